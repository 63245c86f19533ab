import { describe, expect, it } from "vitest";
import * as errors from "../../src/traits/errors.ts";

type ErrorClass = new (facts: object) => errors.TidelaneError;

const classes = (Object.values(errors) as unknown[]).filter(isErrorClass);

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && value.prototype instanceof errors.TidelaneError;
}

/** `DeliveryRevokedError` reports `TIDELANE_DELIVERY_REVOKED`. */
function codeFor(name: string): string {
  const words = name.replace(/Error$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_");
  return `TIDELANE_${words.toUpperCase()}`;
}

describe("error codes", () => {
  it("are each reported by exactly one class", () => {
    expect(classes.map((Class) => new Class({}).code).sort()).toEqual([...errors.errorCodes].sort());
  });

  it.each(classes.map((Class) => [Class.name, Class] as const))(
    "%s reports the code of its name",
    (name, Class) => {
      const error = new Class({});
      expect(error.code).toBe(codeFor(name));
      expect(error.name).toBe(name);
    },
  );
});

describe("the brand", () => {
  it("is recognised across two copies of the library, where instanceof is not", async () => {
    const path = "../../src/traits/errors/tidelane-error.ts?another-copy";
    const copy: typeof errors = await import(path);
    class TheirTimeoutError extends copy.TidelaneError {
      readonly code = "TIDELANE_TIMEOUT";
    }
    const theirs = new TheirTimeoutError("A request did not finish.");
    expect(theirs).not.toBeInstanceOf(errors.TidelaneError);
    expect(errors.isTidelaneError(theirs)).toBe(true);
    expect(errors.isTidelaneError(theirs, "TIDELANE_TIMEOUT")).toBe(true);
    expect(errors.isTidelaneError(theirs, "TIDELANE_ABORTED")).toBe(false);
  });

  it.each([[new Error("x")], [{ code: "TIDELANE_TIMEOUT" }], [null], [undefined], ["TIDELANE_TIMEOUT"]])(
    "is not on %s",
    (value) => {
      expect(errors.isTidelaneError(value)).toBe(false);
    },
  );
});
