import { describe, expect, it } from "vitest";
import { type Work, workOf } from "../../../examples/demo/work.ts";

const lines = Array.from({ length: 20_000 }, (_, index) => index + 1);
const all = (seed: number, attempt = 1): Work[] => lines.map((line) => workOf(seed, line, attempt));

describe("workOf", () => {
  it("is the same for the same seed, line and attempt", () => {
    expect(all(1)).toEqual(all(1));
  });

  it("differs by seed and by attempt", () => {
    expect(all(1)).not.toEqual(all(2));
    expect(all(1)).not.toEqual(all(1, 2));
  });

  it("takes 1 to 5 ms, 3 on average", () => {
    const times = all(3).map(({ ms }) => ms);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...times)).toBeLessThanOrEqual(5);
    expect(times.reduce((sum, ms) => sum + ms, 0) / times.length).toBeCloseTo(3, 1);
  });

  it.each([0, 1, 2, 42, 4_294_967_295])("fails about twice in a hundred with seed %i", (seed) => {
    const share = all(seed).filter(({ fails }) => fails).length / lines.length;
    expect(share).toBeGreaterThan(0.015);
    expect(share).toBeLessThan(0.025);
  });

  it("does not fail the same lines again on their second attempt", () => {
    const failed = lines.filter((line) => workOf(1, line, 1).fails);
    const again = failed.filter((line) => workOf(1, line, 2).fails);
    expect(again.length).toBeLessThan(failed.length / 5);
  });
});
