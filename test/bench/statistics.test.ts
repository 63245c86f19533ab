import { describe, expect, it } from "vitest";
import type { Sample } from "../../bench/method/contract.ts";
import { compare, median, summarise, waits } from "../../bench/method/statistics.ts";

describe("median", () => {
  it("is the middle one, or between the two in the middle, in whatever order they come", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 1, 2, 4])).toBe(3);
    expect(median([100, 9])).toBe(54.5);
  });

  it("refuses nothing at all", () => {
    expect(() => median([])).toThrow("no median of nothing");
  });
});

describe("summarise", () => {
  const sample = (wallMs: number, cpuMs: number, utilisation: number): Sample => ({
    messages: 1000,
    wallMs,
    cpuMs,
    utilisation,
  });

  it("gives rates a second, processor time a message, and the share of time at work", () => {
    const summary = summarise([sample(100, 50, 0.5), sample(200, 70, 0.95), sample(50, 60, 0.7)]);
    expect(summary).toEqual({ best: 20_000, median: 10_000, worst: 5_000, cpuUs: 60, utilisation: 0.7 });
  });

  it("calls a loop waiting that was idle for more than a tenth of the time", () => {
    expect(waits(summarise([sample(100, 89, 0.89)]))).toBe(true);
    expect(waits(summarise([sample(100, 90, 0.9)]))).toBe(false);
  });
});

describe("compare", () => {
  it("goes pair by pair: a slow minute for both changes nothing", () => {
    expect(compare([200, 20, 220], [100, 10, 110])).toEqual({
      ofMedians: 2,
      low: 2,
      median: 2,
      high: 2,
      verdict: "ahead",
    });
  });

  it("is indistinguishable when the pairs do not agree on who is ahead", () => {
    expect(compare([101, 99, 130], [100, 100, 100]).verdict).toBe("indistinguishable");
    expect(compare([100, 130], [100, 100]).verdict).toBe("indistinguishable");
    expect(compare([99, 98], [100, 100]).verdict).toBe("behind");
    expect(compare([101, 102], [100, 100]).verdict).toBe("ahead");
  });

  it("refuses rounds that are no pairs", () => {
    expect(() => compare([1, 2], [1])).toThrow("2 rounds against 1");
  });
});
