import type { Counterexample, LawReport } from "./engine/check-law.ts";

/** What a run found, for every law that was asked for. */
export interface Report {
  readonly broker: string;
  readonly seed: number;
  /** Over all laws. */
  readonly histories: number;
  readonly laws: readonly LawReport[];
}

/** The report as a Markdown table, with every counterexample below it. */
export function toMarkdown(report: Report): string {
  const { broker, seed, histories, laws } = report;
  const rows = laws.map(({ law, promise, verdict, reason, histories: played }) => {
    const why = verdict === "gap" ? "A gap" : "Not claimed";
    const detail = reason === undefined ? promise : `${promise} _${why}: ${reason}._`;
    return `| ${law} | ${verdict} | ${played} | ${detail.replaceAll("|", "\\|")} |`;
  });
  const count = (verdict: LawReport["verdict"]): number =>
    laws.filter((law) => law.verdict === verdict).length;
  const failures = laws.flatMap((law) =>
    law.counterexample === undefined
      ? []
      : ["", "```", describeFailure(broker, law, law.counterexample), "```"],
  );
  return [
    `# Conformance of ${broker}`,
    "",
    `${count("pass")} passed, ${count("fail")} failed, ${count("gap")} gaps, ${count("not claimed")} not claimed; ${histories} histories, seed ${seed}.`,
    "",
    "| law | verdict | histories | promise |",
    "| --- | --- | ---: | --- |",
    ...rows,
    ...failures,
    "",
  ].join("\n");
}

/** A failure in plain lines: the promise, what happened instead, the shortest history, and how to replay it. */
export function describeFailure(broker: string, report: LawReport, counterexample: Counterexample): string {
  const { history, breaks, observed, expected, seed, path } = counterexample;
  const given = history.given.length === 0 ? [] : ["given:", ...history.given.map((line) => `  ${line}`)];
  const end = history.end.length === 0 ? [] : ["and at the end:", ...history.end.map((line) => `  ${line}`)];
  return [
    `${report.law}: ${report.promise}`,
    "",
    `observed: ${observed}`,
    `promised: ${expected}`,
    ...(breaks.length === 0 ? [] : [`breaks:   ${breaks.join(", ")}`]),
    "",
    ...given,
    "history:",
    ...history.steps.map((line, index) => `${String(index + 1).padStart(3)}. ${line}`),
    ...end,
    "",
    "to replay it, in code or for a broker of this repository:",
    `  runConformance(fixture, { laws: ["${report.law}"], seed: ${seed}, path: "${path}" })`,
    `  npm run conformance -- ${broker} --law ${report.law} --seed ${seed} --path "${path}"`,
  ].join("\n");
}
