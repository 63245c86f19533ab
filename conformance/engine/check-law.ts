import { fc } from "../fast-check.ts";
import type { Law, LawName, LawViolation } from "../law.ts";
import { laws } from "../laws/index.ts";
import type { Subject } from "../subject.ts";
import { type Failure, Play } from "./play.ts";

export interface Counterexample extends Failure {
  /** Both together replay it: see `path` of the run options. */
  readonly seed: number;
  readonly path: string;
}

export interface LawReport {
  readonly law: LawName;
  readonly promise: string;
  /** "not claimed": the capabilities or the fixture leave it out. "gap": the fixture declares that it cannot be kept. */
  readonly verdict: "pass" | "fail" | "not claimed" | "gap";
  /** Of a law that was not played. */
  readonly reason?: string;
  readonly histories: number;
  readonly counterexample?: Counterexample;
}

export interface CheckOptions {
  readonly seed: number;
  readonly runs: number;
  /** Of a counterexample: only this one history is played. */
  readonly path?: string;
  /** Only a contradiction that names the law itself counts: how the laws are told apart on planted faults. */
  readonly alone?: boolean;
}

/** Holds a broker to one law. */
export async function checkLaw(law: Law, subject: Subject, options: CheckOptions): Promise<LawReport> {
  const { name, promise } = law;
  const unplayed = { law: name, promise, histories: 0 };
  const gap = subject.fixture.gaps?.[name];
  if (gap !== undefined) return { ...unplayed, verdict: "gap", reason: gap };
  const reason = law.claim?.(subject);
  if (reason !== undefined) return { ...unplayed, verdict: "not claimed", reason };
  const excused = options.alone ? undefined : excusedLaws(subject);
  const counts = ({ laws: broken }: LawViolation): boolean =>
    broken.has(name) || (excused !== undefined && ![...broken].some((law) => excused.has(law)));
  const play = new Play(subject, counts);
  const [path, replay] = options.path?.split("@") ?? [];
  const details = await fc.check(law.property(play, replay), {
    seed: options.seed,
    ...(path === undefined
      ? { numRuns: Math.max(1, Math.round(options.runs * (law.effort ?? 1))) }
      : { numRuns: 1, path, endOnFailure: true }),
  });
  const histories = play.histories;
  if (!details.failed) return { law: name, promise, verdict: "pass", histories };
  const failure = play.failure ?? neverPlayed(details.errorInstance);
  const replayPath = /replayPath="([^"]*)"/.exec(fc.stringify(details.counterexample))?.[1];
  const counterexample: Counterexample = {
    ...failure,
    seed: details.seed,
    path: [details.counterexamplePath ?? "0", ...(replayPath === undefined ? [] : [replayPath])].join("@"),
  };
  return { law: name, promise, verdict: "fail", histories, counterexample };
}

/** What the broker is not held to. */
function excusedLaws(subject: Subject): Set<LawName> {
  const excused = laws.filter(
    ({ name, claim }) => subject.fixture.gaps?.[name] !== undefined || claim?.(subject) !== undefined,
  );
  return new Set(excused.map(({ name }) => name));
}

function neverPlayed(error: unknown): Failure {
  return {
    history: { given: [], steps: [], end: [] },
    breaks: [],
    observed: `no history could be played: ${error instanceof Error ? error.message : String(error)}`,
    expected: "the fixture makes a broker",
  };
}
