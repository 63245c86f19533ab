import { systemClock, type Timer } from "../../src/traits/index.ts";
import { type LawName, LawViolation } from "../law.ts";
import { Stage, type Topics, type Watch } from "../stage/stage.ts";
import type { History } from "../stage/trace.ts";
import type { Subject } from "../subject.ts";

/** A history that failed, and why. */
export interface Failure {
  readonly history: History;
  /** The laws that it may break; none if the history could not be judged. */
  readonly breaks: readonly LawName[];
  readonly observed: string;
  readonly expected: string;
}

/** How long nothing may happen in a history on virtual time, on the machine's clock; most take a few milliseconds. */
const stallMs = { first: 5_000, later: 1_000 };
/** After so many histories that hang, the others are not played any more. */
const mostStalls = 10;

/**
 * How long a failure on a server is looked at for a shorter history that fails too, in milliseconds. One that fails once in
 * many plays has no end of candidates, and nobody would hear of it meanwhile.
 */
const shrinkMs = 120_000;

/** Plays the histories of one law, and remembers the last that failed: after shrinking that is the shortest. */
export class Play {
  readonly subject: Subject;
  /** The law that is looked for. */
  readonly law: LawName;
  readonly #watch: Watch;
  #judged = 0;
  #histories = 0;
  #stalls = 0;
  #failure: Failure | undefined;
  /** When the first one failed, on the machine's clock. */
  #failedMs: number | undefined;

  constructor(subject: Subject, law: LawName, watch: Omit<Watch, "judged">) {
    this.subject = subject;
    this.law = law;
    this.#watch = {
      ...watch,
      judged: (laws) => {
        for (const each of laws) if (each === law) this.#judged += 1;
      },
    };
  }

  /** How many were played. */
  get histories(): number {
    return this.#histories;
  }

  /** How often a broker that breaks the law would have been caught. */
  get judged(): number {
    return this.#judged;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Plays one history on a stage of its own. Throws when it fails. */
  async run(topics: Topics, act: (stage: Stage) => Promise<void>): Promise<void> {
    if (this.#stalls >= mostStalls || this.#isShrunkEnough()) return;
    this.#histories += 1;
    const stage = await Stage.open(this.subject, this.#watch, topics);
    try {
      await this.#bounded(act(stage), stage);
      stage.check();
    } catch (error) {
      this.#failure = { history: stage.trace.report(), ...factsOf(error) };
      this.#failedMs ??= systemClock.now();
      this.#watch.scribe?.failed();
      throw error;
    } finally {
      await stage.dismantle();
    }
  }

  #isShrunkEnough(): boolean {
    if (this.#failedMs === undefined || this.subject.fixture.time === "virtual") return false;
    return systemClock.now() - this.#failedMs > shrinkMs;
  }

  /** A call of the broker that is never answered would otherwise keep the history, and the process, for ever. */
  async #bounded(history: Promise<void>, { ledger }: Stage): Promise<void> {
    const { fixture, timings } = this.subject;
    const virtualMs = this.#stalls === 0 ? stallMs.first : stallMs.later;
    const limitMs = fixture.time === "virtual" ? virtualMs : 30 * timings.arrivalMs;
    let timer: Timer | undefined;
    const stalled = new Promise<never>((_, reject) => {
      const watch = (seen: number): void => {
        timer = systemClock.schedule(limitMs, () => {
          if (ledger.event > seen) return watch(ledger.event);
          this.#stalls += 1;
          reject(new Stall());
        });
      };
      watch(ledger.event);
    });
    try {
      await Promise.race([history, stalled]);
    } finally {
      timer?.cancel();
    }
  }
}

/** The history did not go on. */
class Stall extends Error {}

function factsOf(error: unknown): Omit<Failure, "history"> {
  if (error instanceof LawViolation)
    return { breaks: [...error.laws], observed: error.observed, expected: error.expected };
  if (error instanceof Stall) {
    return {
      breaks: [],
      observed: "the last call above was never answered",
      expected: "every call is answered",
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    breaks: [],
    observed: `an unexpected error: ${stack}`,
    expected: "no error that the contract does not name",
  };
}
