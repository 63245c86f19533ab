import { describe, expect, it } from "vitest";
import type { Verdict } from "../../../scripts/mutants/hunt.ts";
import { formatReport, killRate, mutantSection, reportOf } from "../../../scripts/mutants/report.ts";
import type { Aside } from "../../../scripts/mutants/set-aside.ts";

const killed: Verdict["fate"] = {
  kind: "killed",
  by: { law: "key-order", breaks: ["key-order"], observed: "#2 came first", steps: 3 },
};
const survived: Verdict["fate"] = { kind: "survived", histories: 10 };

function verdict(name: string, fate: Verdict["fate"], kind?: Aside): Verdict {
  const mutant = { id: 1, name, file: "a.ts", line: 1, operator: "constant", atLoad: false };
  return {
    mutant,
    fate,
    seconds: 1,
    unfinished: false,
    aside: kind && { mutants: [name], kind, reason: "it shows nowhere" },
  };
}

const facts = { seed: 1, runs: 200, seconds: 2.4 };

describe("the report of a run over mutants", () => {
  const report = reportOf(
    [
      verdict("a", killed),
      verdict("b", { kind: "looped", law: "backlog", error: "it did not come back" }),
      verdict("c", survived),
      verdict("d", { kind: "not reached" }),
      verdict("e", survived, "equivalent"),
      verdict("f", survived, "beyond the contract"),
      verdict("g", killed, "equivalent"),
    ],
    facts,
  );

  it("counts what the laws can be asked to notice", () => {
    expect(report).toMatchObject({
      mutants: 7,
      equivalent: 1,
      beyond: 1,
      endedProcess: 1,
      survived: ["c", "d"],
    });
    expect(report.killedBy).toEqual({ "key-order": 2 });
    expect(killRate(report)).toBe(60);
  });

  it("tells of an equivalent mutant that is none", () => {
    expect(report.wronglyAside).toEqual(["g"]);
    expect(formatReport(report)).toContain("equivalent, yet killed: g");
  });

  it("has its figure and its survivors in the section of the docs", () => {
    const text = mutantSection(report).join("\n");
    expect(text).toContain("**60 % killed**: 3 of the 5 mutants");
    expect(text).toContain("| `key-order` | 2 |");
    expect(text).toContain("- `c`\n- `d`");
  });

  it("does not round up", () => {
    const most = Array.from({ length: 1999 }, () => verdict("a", killed));
    expect(killRate(reportOf([...most, verdict("b", survived)], facts))).toBe(99.9);
  });
});
