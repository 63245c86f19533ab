import { fc } from "../fast-check.ts";
import type { Law, LawName, LawViolation } from "../law.ts";
import { laws } from "../laws/index.ts";
import type { Scribe } from "../stage/trace.ts";
import type { Subject } from "../subject.ts";
import { type Failure, Play } from "./play.ts";

/** The shortest history found that breaks a law. */
export interface Counterexample extends Failure {
  /** The seed. Together with `path`, it replays the history. */
  readonly seed: number;
  readonly path: string;
}

/** The result of one law. */
export interface LawReport {
  readonly law: LawName;
  /** The law, in one sentence. */
  readonly promise: string;
  /**
   * "not judged": no history of this run would have shown a mistake. "not claimed": the capabilities or the fixture
   * leave the law out. "gap": the fixture declares that the broker cannot keep it.
   */
  readonly verdict: "pass" | "fail" | "not judged" | "not claimed" | "gap";
  /** Why the law neither passed nor failed. */
  readonly reason?: string;
  /** How many histories were played. */
  readonly histories: number;
  /** How often a broker that breaks the law would have been caught. */
  readonly judged: number;
  readonly counterexample?: Counterexample;
}

export interface CheckOptions {
  readonly seed: number;
  /** @default 200 on virtual time, 10 on real time */
  readonly runs: number | undefined;
  /** Of a counterexample: only this one history is played. */
  readonly path?: string | undefined;
  /** Only a contradiction that names the law itself counts: how the laws are told apart on planted faults. */
  readonly alone?: boolean;
  /** The first history that fails is the counterexample, for whoever only asks whether there is one. */
  readonly unshrunk?: boolean;
  readonly scribe?: Scribe | undefined;
}

/** Histories a law, where the caller does not say. */
const defaultRuns = { virtual: 200, real: 10 } as const;

/** A law that was not judged is played again, on other histories, until it has had so many. */
const enoughUnjudged = 30;

/** Holds a broker to one law. */
export async function checkLaw(law: Law, subject: Subject, options: CheckOptions): Promise<LawReport> {
  const { name, promise } = law;
  const unplayed = { law: name, promise, histories: 0, judged: 0 };
  const gap = subject.fixture.gaps?.[name];
  if (gap !== undefined) return { ...unplayed, verdict: "gap", reason: gap };
  const reason = law.claim?.(subject);
  if (reason !== undefined) return { ...unplayed, verdict: "not claimed", reason };
  const excused = options.alone ? undefined : excusedLaws(subject);
  const counts = ({ laws: broken }: LawViolation): boolean =>
    broken.has(name) || (excused !== undefined && ![...broken].some((law) => excused.has(law)));
  const play = new Play(subject, name, { counts, scribe: options.scribe });
  const runs = options.runs ?? defaultRuns[subject.fixture.time];
  const blind = law.blind?.(subject);
  const round = (seed: number) => playRound(law, play, { ...options, runs, seed });
  let details = await round(options.seed);
  // A few histories may pass by all that a law says. Where the law is blind, more of them say no more.
  const repeats = options.path === undefined && blind === undefined;
  for (let nth = 1; repeats && nth < enoughUnjudged && mayBeJudged(play, details.failed); nth += 1) {
    details = await round(seedOf(options.seed, nth));
  }
  const { histories, judged } = play;
  const played = { law: name, promise, histories, judged };
  if (!details.failed && judged === 0) {
    return { ...played, verdict: "not judged", reason: blind ?? unjudged(histories) };
  }
  if (!details.failed) return { ...played, verdict: "pass" };
  const failure = play.failure ?? neverPlayed(details.errorInstance);
  const counterexample: Counterexample = {
    ...failure,
    seed: details.seed,
    path: details.counterexamplePath ?? "0",
  };
  return { ...played, verdict: "fail", counterexample };
}

/** So many histories of one seed, or the one that `path` names. */
function playRound(law: Law, play: Play, options: CheckOptions & { readonly runs: number }) {
  const { seed, runs, path, unshrunk = false } = options;
  return fc.check(law.property(play), {
    seed,
    endOnFailure: unshrunk,
    ...(path === undefined
      ? { numRuns: Math.max(1, Math.round(runs * (law.effort ?? 1))) }
      : { numRuns: 1, path, endOnFailure: true }),
  });
}

/** The seed of another round. It is far from the first, because neighboring seeds generate similar histories. */
function seedOf(seed: number, nth: number): number {
  return (seed + Math.imul(nth, 0x9e3779b1)) | 0;
}

function mayBeJudged({ histories, judged }: Play, failed: boolean): boolean {
  return !failed && judged === 0 && histories < enoughUnjudged;
}

function unjudged(histories: number): string {
  return `in none of its histories (${histories}) would a broker that breaks it have been caught`;
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
