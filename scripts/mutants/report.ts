import type { LawName } from "tidelane/conformance";
import type { Verdict } from "./hunt.ts";

/** What a run found. */
export interface MutantReport {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly mutants: number;
  /** How many each law was the first to notice. */
  readonly killedBy: Readonly<Partial<Record<LawName, number>>>;
  /** They ended the process that played, or never let it go on. */
  readonly endedProcess: number;
  /** Nobody can tell them from the original; the reasons stand in set-aside.json. */
  readonly equivalent: number;
  /** What they change is no part of the contract; the reasons stand in set-aside.json. */
  readonly beyond: number;
  readonly survived: readonly string[];
  /** How many of those that survived there was no time for: they had forty histories of each law. */
  readonly unfinished: number;
  /** Set aside as equivalent, and killed all the same. */
  readonly wronglyAside: readonly string[];
}

export interface RunFacts {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
}

export function reportOf(verdicts: readonly Verdict[], facts: RunFacts): MutantReport {
  const killedBy = new Map<LawName, number>();
  const survived: string[] = [];
  const wronglyAside: string[] = [];
  let [endedProcess, equivalent, beyond] = [0, 0, 0];
  for (const { mutant, aside, fate } of verdicts) {
    if (fate.kind === "survived" || fate.kind === "not reached") {
      if (aside === undefined) survived.push(mutant.name);
      else if (aside.kind === "equivalent") equivalent += 1;
      else beyond += 1;
      continue;
    }
    if (aside?.kind === "equivalent") wronglyAside.push(mutant.name);
    if (fate.kind === "killed") killedBy.set(fate.by.law, (killedBy.get(fate.by.law) ?? 0) + 1);
    else endedProcess += 1;
  }
  const sorted = [...killedBy].sort(([, a], [, b]) => b - a);
  return {
    ...facts,
    seconds: Math.round(facts.seconds),
    mutants: verdicts.length,
    killedBy: Object.fromEntries(sorted),
    endedProcess,
    equivalent,
    beyond,
    survived,
    unfinished: verdicts.filter(({ unfinished }) => unfinished).length,
    wronglyAside,
  };
}

export function killed({ killedBy, endedProcess }: MutantReport): number {
  return Object.values(killedBy).reduce((sum, count) => sum + count, endedProcess);
}

/** Killed of those that count, in percent, rounded down to a tenth. */
export function killRate(report: MutantReport): number {
  const dead = killed(report);
  return Math.floor((1000 * dead) / Math.max(1, dead + report.survived.length)) / 10;
}

export function formatReport(report: MutantReport): string {
  const { mutants, survived, equivalent, beyond, endedProcess, killedBy, seconds, wronglyAside } = report;
  const laws = Object.entries(killedBy).map(([law, count]) => `  ${String(count).padStart(5)}  ${law}`);
  return [
    `${mutants} mutants in ${seconds} s: ${killed(report)} killed, ${survived.length} survived (${killRate(report)} %), ` +
      `${equivalent} equivalent, ${beyond} beyond the contract`,
    ...laws,
    `  ${String(endedProcess).padStart(5)}  ended the process, or never let it go on`,
    ...survived.map((name) => `survived: ${name}`),
    ...(report.unfinished === 0 ? [] : [`no time for all histories of ${report.unfinished} that survived`]),
    ...wronglyAside.map((name) => `equivalent, yet killed: ${name}`),
    "",
  ].join("\n");
}

/** What stands beside the table of laws, as Markdown. */
export function mutantSection(report: MutantReport): string[] {
  const { mutants, survived, equivalent, beyond, endedProcess, killedBy, runs, seed, seconds } = report;
  const laws = Object.entries(killedBy).map(([law, count]) => `| \`${law}\` | ${count} |`);
  return [
    "## Mutants",
    "",
    "How much the laws notice. `npm run mutants -- --json docs/reports/mutants.json` changes the memory broker and `Outlet`",
    `in one place at a time, and plays the laws on each change; no unit test is run. A mutant that no law notices in ${runs}`,
    "histories of each has survived.",
    "",
    `**${killRate(report)} % killed**: ${killed(report)} of the ${killed(report) + survived.length} mutants that the laws can be asked to notice (seed ${seed}, ${seconds} seconds).`,
    "",
    `- ${mutants} mutants in all.`,
    `- ${equivalent} are equivalent: nobody can tell them from the original. Each has its reason in \`scripts/mutants/set-aside.json\`.`,
    `- ${beyond} change what the contract has no word for, such as an option of the memory broker alone. They have their reasons there too; unit tests hold those.`,
    `- ${endedProcess} of those killed ended the process, or never let it go on.`,
    "",
    "| the law that noticed first | mutants |",
    "| --- | ---: |",
    ...laws,
    "",
    ...(survived.length === 0
      ? []
      : ["Survived:", "", ...survived.map((name) => `- \`${name.replaceAll("`", "'")}\``), ""]),
  ];
}
