import type { LawReport, Report } from "tidelane/conformance";
import { type MutantReport, mutantSection } from "./mutants/report.ts";

/** A report as `npm run conformance` writes it. */
export interface WrittenReport extends Report {
  readonly seconds: number;
}

const cells = {
  pass: "yes",
  fail: "FAILS",
  "not judged": "not judged",
  gap: "gap",
  "not claimed": "–",
} as const satisfies Record<LawReport["verdict"], string>;

/** Law by broker, as Markdown. Reasons stand below the table, by broker, and what mutants say of the laws comes last. */
export function capabilityTable(reports: readonly WrittenReport[], mutants?: MutantReport): string {
  const [first] = reports;
  if (first === undefined) throw new Error("There are no reports to make a table of.");
  const rows = first.laws.map(({ law, promise }) => {
    const verdicts = reports.map((report) => cells[lawOf(report, law).verdict]);
    return `| \`${law}\`: ${promise.replaceAll("|", "\\|")} | ${verdicts.join(" | ")} |`;
  });
  return [
    "# Laws by broker",
    "",
    "Which laws each adapter keeps on its own server. `npm run capabilities` makes this page from the reports in",
    "`docs/reports`. `npm run conformance -- BROKER --json docs/reports/BROKER.json` writes a report.",
    "",
    "- **yes**: the law held on generated histories, and a broker that breaks it would have been caught.",
    "- **not judged**: the law was played, but no history could have shown a mistake of this broker.",
    "- **gap**: the broker cannot keep the law.",
    "- **–**: the source does not claim the law. Code can read that in `capabilities`.",
    "",
    "The reasons stand below the table.",
    "",
    `| law | ${reports.map(({ broker }) => broker).join(" | ")} |`,
    `| --- | ${reports.map(() => ":-:").join(" | ")} |`,
    ...rows,
    "",
    "| broker | laws passed | histories | seed | seconds |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...reports.map(totals),
    "",
    ...reports.flatMap(reasons),
    ...(mutants === undefined ? [] : mutantSection(mutants)),
  ].join("\n");
}

function lawOf(report: Report, name: string): LawReport {
  const law = report.laws.find((candidate) => candidate.law === name);
  if (law === undefined) {
    throw new Error(`The report of ${report.broker} says nothing of "${name}": run its conformance again.`);
  }
  return law;
}

function totals({ broker, laws, histories, seed, seconds }: WrittenReport): string {
  const passed = laws.filter(({ verdict }) => verdict === "pass").length;
  return `| ${broker} | ${passed} of ${laws.length} | ${histories} | ${seed} | ${seconds.toFixed(0)} |`;
}

function reasons({ broker, laws }: Report): string[] {
  const unplayed = laws.filter(({ reason }) => reason !== undefined);
  if (unplayed.length === 0) return [];
  const lines = unplayed.map(({ law, verdict, reason }) => `- \`${law}\` (${verdict}): ${reason}`);
  return [`## ${broker}`, "", ...lines, ""];
}
