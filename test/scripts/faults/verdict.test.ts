import { describe, expect, it } from "vitest";
import { Ledger } from "../../../scripts/faults/ledger.ts";
import { formatRound } from "../../../scripts/faults/report.ts";
import { violationsOf } from "../../../scripts/faults/verdict.ts";

const findings = new Ledger().findings();
const expected = { messages: 2, mostRepeats: 0, storesOnce: false, hangs: undefined };

describe("the verdict on a round", () => {
  it("says how long nothing moved, and what each consumer did then", () => {
    const hangs = "for 30 s, and consumer 0 is opening";
    expect(violationsOf(findings, { ...expected, hangs })[0]).toBe(
      "It hangs: nothing was confirmed or handled for 30 s, and consumer 0 is opening.",
    );
  });

  it("shows what consumers told beside a violation, and not in a good round", () => {
    const round = { ...findings, round: 1, faults: [], mostRepeats: 0, publishFailures: 0, seconds: 1 };
    const notes = ["consumer 0: not opened: the port is closed (3 times)"];
    const violations = violationsOf(findings, expected);
    expect(violations).toEqual(["Only 0 of 2 messages were confirmed."]);
    expect(formatRound({ ...round, notes, violations }, 1)).toContain(`\n  ${notes[0]}`);
    expect(formatRound({ ...round, notes, violations: [] }, 1)).not.toContain("not opened");
  });
});
