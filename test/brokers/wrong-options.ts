import { describe, expect, it } from "vitest";

/** A place in options, as `reconnect.maxMs` or `bindings[0].exchange`, and a value of the wrong type. */
export type WrongOption = readonly [path: string, value: unknown];

const notObject = 5;
const notNumber = "5";
const notText = 5;

/** `"false"` is true to JavaScript. */
export const wrongBoolean = "false";

export function objects(...paths: readonly string[]): WrongOption[] {
  return paths.flatMap((path): WrongOption[] => [
    [path, notObject],
    [path, "x"],
  ]);
}

export function numbers(...paths: readonly string[]): WrongOption[] {
  return paths.map((path) => [path, notNumber]);
}

export function textOptions(...paths: readonly string[]): WrongOption[] {
  return paths.map((path) => [path, notText]);
}

export function booleans(...paths: readonly string[]): WrongOption[] {
  return paths.map((path) => [path, wrongBoolean]);
}

/**
 * Every option of `call` is refused by name when it has the wrong type. `valid` holds all of them, with values that
 * `call` takes, so that an option without a wrong value in the table is seen.
 */
export function refusesWrongOptions(
  name: string,
  valid: object,
  call: (options: never) => unknown,
  wrong: readonly WrongOption[],
): void {
  describe(name, () => {
    it("takes options that are right", async () => {
      await call(valid as never);
    });

    it.each(wrong)("refuses %s of the wrong type: %j", async (path, value) => {
      const attempt = async (): Promise<unknown> => call(replaced(valid, path, value) as never);
      await expect(attempt()).rejects.toMatchObject({
        code: "TIDELANE_INVALID_ARGUMENT",
        argument: expect.stringContaining(path),
      });
    });

    it("refuses every option there is", () => {
      const tried = new Set(wrong.map(([path]) => path.split(/[.[]/)[0]));
      expect(Object.keys(valid).filter((option) => !tried.has(option))).toEqual([]);
    });
  });
}

function replaced(options: object, path: string, value: unknown): object {
  const names = path.split(/[.[\]]+/).filter((name) => name !== "");
  const copy = cloned(options) as Record<string, unknown>;
  let inner = copy;
  for (const name of names.slice(0, -1)) inner = inner[name] as Record<string, unknown>;
  inner[names.at(-1) ?? ""] = value;
  return copy;
}

/** Clones plain objects and lists; everything else is shared. */
function cloned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cloned);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, cloned(inner)]);
  return Object.fromEntries(entries) as unknown;
}
