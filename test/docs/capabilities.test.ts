import { readFileSync } from "node:fs";
import { lawNames } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { readMutants, readReports, reportedBrokers, tableFile } from "../../scripts/capabilities.ts";
import { capabilityTable, type WrittenReport } from "../../scripts/capability-table.ts";

describe("the capability table", () => {
  const reports = readReports();

  it.each(reports.map((report) => [report.broker, report] as const))(
    "has a report of %s on the laws of today, without a failure",
    (broker, report) => {
      expect(reportedBrokers).toContain(broker);
      expect(report.laws.map(({ law }) => law)).toEqual([...lawNames]);
      expect(report.laws.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    },
  );

  it("in the docs is the one the reports make", () => {
    expect(readFileSync(tableFile, "utf8")).toBe(capabilityTable(reports, readMutants()));
  });
});

describe("capabilityTable", () => {
  const law = { law: "pattern", promise: "A | B.", histories: 3, judged: 5 } as const;
  const report = (broker: string, laws: WrittenReport["laws"]): WrittenReport => {
    return { broker, seed: 1, histories: 3, seconds: 2, laws };
  };

  it("has a column for a broker, and the reasons below", () => {
    const text = capabilityTable([
      report("a", [{ ...law, verdict: "pass" }]),
      report("b", [{ ...law, verdict: "gap", reason: "it has none" }]),
      report("c", [{ ...law, verdict: "not claimed", reason: "not here" }]),
      report("d", [{ ...law, verdict: "not judged", judged: 0, reason: "nobody could see" }]),
    ]);
    expect(text).toContain("| law | a | b | c | d |");
    expect(text).toContain("| `pattern`: A \\| B. | yes | gap | – | not judged |");
    expect(text).toContain("| a | 1 of 1 | 3 | 1 | 2 |");
    expect(text).toContain(
      "## b\n\n- `pattern` (gap): it has none\n\n## c\n\n- `pattern` (not claimed): not here\n\n## d\n\n- `pattern` (not judged): nobody could see",
    );
    expect(text).not.toContain("## a");
  });

  it("refuses reports of different laws", () => {
    const other = { ...law, law: "backlog", verdict: "pass" } as const;
    expect(() => capabilityTable([report("a", [{ ...law, verdict: "pass" }]), report("b", [other])])).toThrow(
      'The report of b says nothing of "pattern"',
    );
  });
});
