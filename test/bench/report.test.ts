import { describe, expect, it } from "vitest";
import { toChart } from "../../bench/method/chart.ts";
import type { Result } from "../../bench/method/conduct.ts";
import type { Sample } from "../../bench/method/contract.ts";
import { rowsOf, toMarkdown } from "../../bench/method/report.ts";

const module = "loops/none.js";

function samples(wallMs: number, cpuMs: number, utilisation = 1): Sample[] {
  return [1, 1.01, 1.02].map((factor) => ({ messages: 1000, wallMs: wallMs * factor, cpuMs, utilisation }));
}

function result(raw: Sample[], app: Sample[], atLeast = 1): Result {
  return {
    contest: {
      name: "consume-none",
      title: "Consume <nothing>",
      work: { kind: "burst", size: 1 },
      loops: [
        { name: "raw", label: "raw & plain", module, make: "raw" },
        { name: "app", label: "app", module, make: "app", against: [{ loop: "raw", atLeast }] },
      ],
    },
    samples: [raw, app],
  };
}

function comparison(given: Result) {
  const found = rowsOf(given)[1]?.comparisons[0];
  if (found === undefined) throw new Error("There is no comparison.");
  return found;
}

describe("rowsOf", () => {
  it("compares rates while both were at work", () => {
    const { counts, rate, reached } = comparison(result(samples(100, 90), samples(50, 45), 1.9));
    expect(counts).toBe("rate");
    expect(rate.ofMedians).toBeCloseTo(2);
    expect(reached).toBe(true);
  });

  it("goes by processor time where one of them waited, whatever the rates say", () => {
    const found = comparison(result(samples(100, 20, 0.3), samples(100, 40), 0.95));
    expect(found.counts).toBe("cpu");
    expect(found.cpu.ofMedians).toBeCloseTo(0.5);
    expect(found.reached).toBe(false);
  });

  it("goes by processor time in every row when asked to", () => {
    const given = result(samples(100, 20), samples(50, 40));
    const [, app] = rowsOf(given, "cpu");
    expect(app?.comparisons[0]).toMatchObject({ counts: "cpu", reached: false });
  });

  it("holds a loop that names nobody against the first, without a figure to reach", () => {
    const given = result(samples(100, 90), samples(50, 45));
    const [first, second] = given.contest.loops;
    const { against: _, ...plain } = second ?? first;
    const rows = rowsOf({ ...given, contest: { ...given.contest, loops: [first, plain] } });
    expect(
      rows.map(({ comparisons }) => comparisons.map(({ rival, reached }) => [rival.name, reached])),
    ).toEqual([[], [["raw", undefined]]]);
  });

  it("refuses a rival that does not run", () => {
    const given = result(samples(1, 1), samples(1, 1));
    const stranger = { name: "app", label: "app", module, make: "app", against: [{ loop: "nobody" }] };
    const contest = { ...given.contest, loops: [given.contest.loops[0], stranger] as const };
    expect(() => rowsOf({ ...given, contest })).toThrow('no loop "nobody"');
  });
});

describe("toMarkdown", () => {
  it("has the environment, and a row for each loop with its ratio and figure", () => {
    const text = toMarkdown([result(samples(100, 90), samples(200, 180))], { node: "v20" });
    expect(text).toContain("- node: v20");
    expect(text).toContain("### Consume <nothing>");
    expect(text).toContain("| raw & plain | 9,901 | 10,000 | 9,804 | 90.00 | 100 % |  |");
    expect(text).toContain("0.50 (0.50 to 0.50) of raw & plain: behind, misses 1.00");
  });

  it("tells starts in milliseconds", () => {
    const given = result(samples(100, 90), samples(200, 180));
    const text = toMarkdown([{ ...given, contest: { ...given.contest, work: { kind: "start" } } }], {});
    expect(text).toContain("| app | 202.0 | 200.0 | 204.0 |  |");
  });
});

describe("toChart", () => {
  it("draws a bar for each comparison, and escapes what it writes", () => {
    const svg = toChart([result(samples(100, 90), samples(200, 180))]);
    expect(svg.match(/<rect class="bar/g)).toHaveLength(1);
    expect(svg).toContain("Consume &lt;nothing&gt;");
    expect(svg).toContain("raw &amp; plain");
    expect(svg).toContain(">0.50<");
  });
});
