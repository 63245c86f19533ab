import type { Fixture } from "../fixture.ts";
import type { Law } from "../law.ts";
import type { Report } from "../report.ts";
import type { Scribe } from "../stage/trace.ts";
import { examine, type Subject } from "../subject.ts";
import { checkLaw, type LawReport } from "./check-law.ts";

/** What is played: checked, and with its defaults. */
export interface Assignment {
  readonly laws: readonly Law[];
  readonly runs: number | undefined;
  readonly seed: number;
  readonly path: string | undefined;
}

export interface Following {
  /** Before the law with this place in the assignment is played, from 0. */
  begins?(index: number): void;
  done?(report: LawReport): void;
  readonly scribe?: Scribe;
}

/** Holds the broker of `fixture` to the laws, one after the other. */
export async function runLaws(
  fixture: Fixture,
  { laws, runs, seed, path }: Assignment,
  following: Following,
): Promise<Report> {
  const subject = await examine(fixture);
  const reports: LawReport[] = [];
  for (const [index, law] of laws.entries()) {
    following.begins?.(index);
    const { scribe } = following;
    const report = await checkLaw(law, subject, { seed, runs, path, scribe });
    reports.push(report);
    following.done?.(report);
  }
  return reportOf(fixture.name, seed, reports, paceOf(subject));
}

export function reportOf(
  broker: string,
  seed: number,
  laws: readonly LawReport[],
  pace: Report["pace"],
): Report {
  const histories = laws.reduce((sum, report) => sum + report.histories, 0);
  return { broker, seed, ...(pace === undefined ? {} : { pace }), histories, laws };
}

function paceOf({ fixture, timings: { stepMs }, latency }: Subject): Report["pace"] {
  if (fixture.time === "virtual") return undefined;
  return latency === undefined ? { stepMs } : { stepMs, slowestMs: latency.slowestMs };
}
