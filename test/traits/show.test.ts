import fc from "fast-check";
import { expect, it } from "vitest";
import { show } from "../../src/traits/show.ts";

class Order {}

it.each<[unknown, string]>([
  ["", '""'],
  ["orders", '"orders"'],
  ['a "quoted"\nline', '"a \\"quoted\\"\\nline"'],
  [0, "0"],
  [-1.5, "-1.5"],
  [Number.NaN, "NaN"],
  [Number.NEGATIVE_INFINITY, "-Infinity"],
  [12n, "12n"],
  [true, "true"],
  [undefined, "undefined"],
  [null, "null"],
  [Symbol("key"), "Symbol(key)"],
  [Math.max, "a function named max"],
  [() => 1, "a function"],
  [class {}, "a function"],
  [Order, "a function named Order"],
  [{}, "an object (Object)"],
  [[1, 2], "an object (Array)"],
  [new Order(), "an object (Order)"],
  [new (class {})(), "an object (without a name)"],
  [Promise.resolve(1), "an object (Promise)"],
  [Object.create(null), "an object (without a name)"],
  [{ constructor: "\n" }, "an object (without a name)"],
  [{ constructor: 5 }, "an object (without a name)"],
  [{ constructor: null }, "an object (without a name)"],
  [{ constructor: { name: Symbol("x") } }, "an object (without a name)"],
])("shows %o as it would stand in a sentence", (value, shown) => {
  expect(show(value)).toBe(shown);
});

it("does not fail on an object that refuses to be looked at", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const trap = {
    get constructor(): never {
      throw new Error("no");
    },
  };
  const named = () => 1;
  Object.defineProperty(named, "name", { value: Symbol("x") });
  expect(show(proxy)).toBe("an object (without a name)");
  expect(show(trap)).toBe("an object (without a name)");
  expect(show(named)).toBe("a function");
});

it.each<[string, (length: number) => unknown]>([
  ["string", (length) => "x".repeat(length - 2)],
  ["bigint", (length) => BigInt("1".repeat(length - 1))],
  ["symbol", (length) => Symbol("x".repeat(length - "Symbol()".length))],
])("cuts a %s at 80 characters", (_kind, ofLength) => {
  expect(show(ofLength(80))).toHaveLength(80);
  expect(show(ofLength(80))).not.toContain("...");
  expect(show(ofLength(81))).toHaveLength(80);
  expect(show(ofLength(81))).toMatch(/\.\.\.$/);
});

it("gives one line of at most 80 characters for anything", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true }), (value) => {
      const shown = show(value);
      expect(shown.length).toBeGreaterThan(0);
      expect(shown.length).toBeLessThanOrEqual(80);
      expect(shown).not.toMatch(/[\r\n]/);
    }),
  );
});
