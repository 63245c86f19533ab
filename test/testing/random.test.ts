import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/testing/random.ts";

const draw = (seed: number, count: number): number[] => Array.from({ length: count }, randomFrom(seed));

describe("randomFrom", () => {
  it("depends on the seed alone", () => {
    expect(draw(5, 50)).toEqual(draw(5, 50));
    expect(draw(5, 50)).not.toEqual(draw(6, 50));
  });

  it("spreads over [0, 1), for neighbouring seeds too", () => {
    for (const values of [
      draw(1, 10_000),
      Array.from({ length: 10_000 }, (_, seed) => draw(seed, 1)[0] ?? -1),
    ]) {
      const buckets = Array.from({ length: 10 }, () => 0);
      for (const value of values) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
        const bucket = Math.floor(value * 10);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
    }
  });
});
