import { describe, expect, it } from "vitest";
import { judge, type Reading, readingsTable } from "../../bench/method/reading.ts";
import { readings } from "../../bench/scenarios/readings.ts";

const reading: Reading = {
  name: "weight",
  label: "what it weighs",
  unit: "B",
  module: "loops/none.js",
  make: "none",
  atMost: 1024,
};

describe("judge", () => {
  it("lets a figure reach what it may be at most, and nothing above", () => {
    expect(judge(reading, 1024).reached).toBe(true);
    expect(judge(reading, 1024.5).reached).toBe(false);
  });

  it("does not judge what has no figure to reach", () => {
    const { atMost: _, ...open } = reading;
    expect(judge(open, 1e9)).not.toHaveProperty("reached");
  });
});

describe("readingsTable", () => {
  it("has a row for each, with its unit and its figure", () => {
    const { atMost: _, ...open } = reading;
    const table = readingsTable([judge(reading, 1153.4), judge(reading, 717), judge(open, 1.0449)]);
    expect(table.split("\n").slice(4)).toEqual([
      "| what it weighs | 1,153 B | over 1,024 |",
      "| what it weighs | 717 B | within 1,024 |",
      "| what it weighs | 1.04 B |  |",
    ]);
  });
});

describe("readings", () => {
  it("have names of their own, and take less when quick", () => {
    const full = readings({ quick: false });
    expect(new Set(full.map(({ name }) => name)).size).toBe(full.length);
    const quick = readings({ quick: true });
    expect(quick.map(({ name }) => name)).toEqual(full.map(({ name }) => name));
    expect(quick.find(({ name }) => name === "uptime")?.parameters?.["messages"]).toBeLessThan(
      Number(full.find(({ name }) => name === "uptime")?.parameters?.["messages"]),
    );
  });
});
