import { InvalidArgumentError } from "../../traits/errors.ts";

/** What an option has to be where its value is not looked at further, or is read by somebody else. */
export interface OptionShape {
  readonly expected: string;
  fits(value: unknown): boolean;
}

export const aBoolean: OptionShape = {
  expected: "true or false",
  fits: (value) => typeof value === "boolean",
};

export const aText: OptionShape = { expected: "a string", fits: (value) => typeof value === "string" };

export const anObject: OptionShape = { expected: "an object", fits: isObject };

export const aList: OptionShape = { expected: "a list", fits: Array.isArray };

export const aFunction: OptionShape = {
  expected: "a function",
  fits: (value) => typeof value === "function",
};

export const aClock: OptionShape = having("now", "schedule");

export function having(...methods: readonly string[]): OptionShape {
  return {
    expected: `an object with ${methods.map((name) => `${name}()`).join(" and ")}`,
    fits: (value) =>
      isObject(value) && methods.every((name) => typeof Reflect.get(value, name) === "function"),
  };
}

export function oneOf(...words: readonly unknown[]): OptionShape {
  return {
    expected: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
    fits: (value) => words.includes(value),
  };
}

export function either(...shapes: readonly OptionShape[]): OptionShape {
  return {
    expected: shapes.map(({ expected }) => expected).join(", or "),
    fits: (value) => shapes.some((shape) => shape.fits(value)),
  };
}

/** Throws `InvalidArgumentError`. What is left out, or undefined, passes. `argument` is where the options stand. */
export function checkShapes<Options extends object>(
  argument: string,
  options: Options,
  shapes: { readonly [Name in keyof Options]?: OptionShape },
): void {
  if (!isObject(options)) refuse(argument, anObject, options);
  for (const name in shapes) {
    const shape = shapes[name];
    const value: unknown = options[name];
    if (shape !== undefined && value !== undefined && !shape.fits(value))
      refuse(`${argument}.${name}`, shape, value);
  }
}

/** Text is not shown, because it may hold a login. */
function refuse(argument: string, { expected }: OptionShape, value: unknown): never {
  const received = typeof value === "string" && value.length > 5 ? "(text, not shown)" : value;
  throw new InvalidArgumentError({ argument, expected, received });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
