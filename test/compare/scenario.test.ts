import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keys, scenarioOf } from "../../compare/parts/scenario.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const sizes = fc.integer({ min: 100, max: 3_000 });

describe("scenarioOf", () => {
  it("is the same for the same numbers, and another for another seed", () => {
    expect(scenarioOf(7, 500)).toEqual(scenarioOf(7, 500));
    expect(scenarioOf(7, 500).orders).not.toEqual(scenarioOf(8, 500).orders);
  });

  it("numbers the messages, and those of each key from 1 without a gap", () => {
    fc.assert(
      fc.property(seeds, sizes, (seed, size) => {
        const { orders } = scenarioOf(seed, size);
        const last = new Map<string, number>();
        expect(orders.map(({ id }) => id)).toEqual(orders.map((_, index) => index));
        for (const { key, sequence } of orders) {
          expect(sequence).toBe((last.get(key) ?? 0) + 1);
          last.set(key, sequence);
        }
        expect(last.size).toBeLessThanOrEqual(keys);
      }),
      { numRuns: 20 },
    );
  });

  it("has one poison message, kills before and after it, and delays of a few milliseconds", () => {
    fc.assert(
      fc.property(seeds, sizes, (seed, size) => {
        const { orders, killsAt } = scenarioOf(seed, size);
        const [poison, ...others] = orders.filter(({ behavior }) => behavior === "always-fails");
        expect(others).toEqual([]);
        expect(killsAt).toHaveLength(2);
        expect(killsAt[0]).toBeLessThan(poison?.id ?? 0);
        expect(killsAt[1]).toBeGreaterThan(poison?.id ?? size);
        expect(orders.every(({ delayMs }) => delayMs >= 1 && delayMs <= 8)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("fails one message in twenty at its first attempt", () => {
    const { orders } = scenarioOf(1, 20_000);
    const failing = orders.filter(({ behavior }) => behavior === "fails-once").length;
    expect(failing).toBeGreaterThan(900);
    expect(failing).toBeLessThan(1_100);
    expect(new Set(orders.map(({ key }) => key)).size).toBe(keys);
  });
});
