import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkCount,
  checkDuration,
  checkFunction,
  checkName,
  checkObject,
} from "../../src/traits/arguments.ts";
import { InvalidArgumentError } from "../../src/traits/errors.ts";

function refusal(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument: "workers(n)" });
    return (error as Error).message;
  }
  throw new Error("it was let through");
}

describe("checkCount", () => {
  it("passes every whole number from the minimum on, and no number else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.double()), fc.integer({ min: -3, max: 3 }), (value, minimum) => {
        const check = () => checkCount("workers(n)", value, minimum);
        if (Number.isSafeInteger(value) && value >= minimum) expect(check()).toBe(value);
        else expect(refusal(check)).toContain(`must be a whole number of at least ${minimum}; received `);
      }),
    );
  });

  it("asks for at least 1 unless told", () => {
    expect(checkCount("workers(n)", 1)).toBe(1);
    expect(refusal(() => checkCount("workers(n)", 0))).toBe(
      "workers(n) must be a whole number of at least 1; received 0.",
    );
    expect(checkCount("workers(n)", 0, 0)).toBe(0);
  });

  it.each([[1.5], [Number.NaN], [2 ** 53], ["3"], [3n], [null], [undefined], [[3]]])(
    "refuses %o",
    (value) => {
      refusal(() => checkCount("workers(n)", value));
      refusal(() => checkCount("workers(n)", value, 1, true));
    },
  );

  it("passes Infinity only where unbounded is allowed, and says so", () => {
    const infinity = Number.POSITIVE_INFINITY;
    expect(checkCount("workers(n)", infinity, 1, true)).toBe(infinity);
    expect(refusal(() => checkCount("workers(n)", infinity))).toContain("received Infinity");
    expect(refusal(() => checkCount("workers(n)", -infinity, 1, true))).toBe(
      "workers(n) must be a whole number of at least 1, or Infinity; received -Infinity.",
    );
  });
});

describe("checkDuration", () => {
  it("passes every finite number from 0 on, and no number else", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const check = () => checkDuration("workers(n)", value);
        if (Number.isFinite(value) && value >= 0) expect(check()).toBe(value);
        else expect(refusal(check)).toContain("must be a number of milliseconds, 0 or more; received ");
      }),
    );
  });

  it.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], ["5"], [5n], [null], [undefined], [new Date(0)]])(
    "refuses %o",
    (value) => {
      refusal(() => checkDuration("workers(n)", value));
    },
  );
});

describe("checkFunction", () => {
  it.each([[() => 1], [async () => 1], [class {}], [Math.max]])("passes %o", (value) => {
    expect(() => checkFunction("workers(n)", value)).not.toThrow();
  });

  it.each([[undefined], [null], [{}], ["handle"]])("refuses %o", (value) => {
    expect(refusal(() => checkFunction("workers(n)", value))).toContain("must be a function; received ");
  });
});

describe("checkObject", () => {
  it.each([[{}], [[]], [new Map()], [Object.create(null)]])("passes %o", (value) => {
    expect(() => checkObject("workers(n)", value)).not.toThrow();
  });

  it.each([[undefined], [null], [5], ["options"], [() => 1]])("refuses %o", (value) => {
    expect(refusal(() => checkObject("workers(n)", value))).toContain("must be an object; received ");
    expect(refusal(() => checkObject("workers(n)", value, "an AbortSignal"))).toContain(
      "must be an AbortSignal;",
    );
  });
});

describe("checkName", () => {
  it.each(["orders", " ", "größe", "🚚", "a.b:c"])("passes %j as it is", (value) => {
    expect(checkName("workers(n)", value)).toBe(value);
  });

  it.each([
    [""],
    ["a\nb"],
    ["\0"],
    ["\t"],
    ["a\x7f"],
    ["\x85"],
    ["a\uD83D"],
    ["\uDE00"],
    [5],
    [null],
    [undefined],
    [["orders"]],
  ])("refuses %j", (value) => {
    expect(refusal(() => checkName("workers(n)", value))).toMatch(
      /must be a non-empty string without control characters or lone surrogates; received [^\n\0\t]+\.$/,
    );
  });
});
