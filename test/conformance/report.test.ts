import { describeFailure, type LawReport, runConformance, toMarkdown } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { faultyFixture } from "./planted/doctored.ts";
import { faults } from "./planted/faults.ts";

const failed: LawReport = {
  law: "ack-is-final",
  promise: "A message whose ack resolved is not delivered to its group again.",
  verdict: "fail",
  histories: 12,
  judged: 30,
  counterexample: {
    breaks: ["ack-is-final"],
    observed: "#1 was delivered although it was acked",
    expected: "it is not delivered",
    history: {
      given: ["open s1 on A in group g"],
      steps: ["publish #1 to A", "pull s1 -> #1", "ack #1"],
      end: ["close s1"],
    },
    seed: 7,
    path: "3:1",
  },
};

describe("describeFailure", () => {
  it("prints the promise, what happened, the numbered history and the command that replays it", () => {
    expect(describeFailure("memory", failed, counterexampleOf(failed))).toBe(
      [
        "ack-is-final: A message whose ack resolved is not delivered to its group again.",
        "",
        "observed: #1 was delivered although it was acked",
        "promised: it is not delivered",
        "breaks:   ack-is-final",
        "",
        "given:",
        "  open s1 on A in group g",
        "history:",
        "  1. publish #1 to A",
        "  2. pull s1 -> #1",
        "  3. ack #1",
        "and at the end:",
        "  close s1",
        "",
        "to replay it, in code or for a broker of this repository:",
        '  runConformance(fixture, { laws: ["ack-is-final"], seed: 7, path: "3:1" })',
        '  npm run conformance -- memory --law ack-is-final --seed 7 --path "3:1"',
      ].join("\n"),
    );
  });
});

describe("toMarkdown", () => {
  it("has a row for every law, the reason where one is not claimed, and every counterexample", () => {
    const skipped: LawReport = {
      law: "pattern",
      promise: "This | that.",
      verdict: "not claimed",
      reason: "there are none",
      histories: 0,
      judged: 0,
    };
    const gap: LawReport = { ...skipped, law: "dead-letter", verdict: "gap", reason: "nobody counts" };
    const blind: LawReport = {
      ...skipped,
      law: "pause-holds",
      verdict: "not judged",
      reason: "nobody could see",
      histories: 9,
    };
    const text = toMarkdown({
      broker: "memory",
      seed: 7,
      histories: 12,
      laws: [failed, skipped, gap, blind],
    });
    expect(text).toContain("| dead-letter | gap | 0 | 0 | This \\| that. _A gap: nobody counts._ |");
    expect(text).toContain("0 passed, 1 failed, 1 not judged, 1 gaps, 1 not claimed; 12 histories, seed 7.");
    expect(text).toContain(
      "| pause-holds | not judged | 9 | 0 | This \\| that. _Not judged: nobody could see._ |",
    );
    expect(text).toContain("| ack-is-final | fail | 12 | 30 | A message whose ack resolved");
    expect(text).toContain(
      "| pattern | not claimed | 0 | 0 | This \\| that. _Not claimed: there are none._ |",
    );
    expect(text).toContain(describeFailure("memory", failed, counterexampleOf(failed)));
  });
});

describe("a path", () => {
  it("replays its one history, with the same outcome", async () => {
    const fault = faults.find(({ law }) => law === "requeue-redelivers");
    if (fault === undefined) throw new Error("a planted fault of this law");
    const fixture = faultyFixture(fault);
    const run = await runConformance(fixture, { laws: [fault.law], seed: 3 });
    const found = counterexampleOf(run.laws[0]);
    const replay = await runConformance(fixture, { laws: [fault.law], seed: found.seed, path: found.path });
    expect(replay.histories).toBe(1);
    const again = counterexampleOf(replay.laws[0]);
    expect(again.history).toEqual(found.history);
    expect(again.observed).toBe(found.observed);
  });
});

function counterexampleOf(report: LawReport | undefined): NonNullable<LawReport["counterexample"]> {
  if (report?.counterexample === undefined) throw new Error("the law was to fail");
  return report.counterexample;
}
