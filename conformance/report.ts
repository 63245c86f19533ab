import type { Counterexample, LawReport } from "./engine/check-law.ts";

/** The results of a conformance run. */
export interface Report {
  readonly broker: string;
  readonly seed: number;
  /** In real time: how long a step waited for an answer, and the slowest measured delivery, from which that follows. */
  readonly pace?: { readonly stepMs: number; readonly slowestMs?: number };
  /** How many histories were played, over all laws. */
  readonly histories: number;
  readonly laws: readonly LawReport[];
}

const whys = {
  pass: "Passed",
  fail: "Failed",
  "not judged": "Not judged",
  "not claimed": "Not claimed",
  gap: "A gap",
} as const satisfies Record<LawReport["verdict"], string>;

/** The report as a Markdown table, with every counterexample below it. */
export function toMarkdown(report: Report): string {
  const { broker, seed, histories, laws } = report;
  const rows = laws.map(({ law, promise, verdict, reason, histories: played, judged }) => {
    const detail = reason === undefined ? promise : `${promise} _${whys[verdict]}: ${reason}._`;
    return `| ${law} | ${verdict} | ${played} | ${judged} | ${detail.replaceAll("|", "\\|")} |`;
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
    "Judged: how often a broker that breaks the law would have been caught.",
    "",
    `${count("pass")} passed, ${count("fail")} failed, ${count("not judged")} not judged, ${count("gap")} gaps, ${count("not claimed")} not claimed; ${histories} histories, seed ${seed}.`,
    "",
    ...paceLines(report),
    "| law | verdict | histories | judged | promise |",
    "| --- | --- | ---: | ---: | --- |",
    ...rows,
    ...failures,
    "",
  ].join("\n");
}

function paceLines({ pace }: Report): string[] {
  if (pace === undefined) return [];
  const why =
    pace.slowestMs === undefined
      ? "as the fixture says, or by default"
      : `because the slowest of a few deliveries took ${pace.slowestMs.toFixed(1)} ms`;
  return [`A step waited ${pace.stepMs} ms for an answer, ${why}.`, ""];
}

/** A counterexample as text: the law, what was observed, the shortest history, and how to replay it. */
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
