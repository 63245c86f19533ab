import { type LawName, LawViolation } from "../law.ts";
import { Stage, type Topics } from "../stage/stage.ts";
import type { History } from "../stage/trace.ts";
import type { Subject } from "../subject.ts";

/** A history that failed: what happened, and what was wrong with it. */
export interface Failure {
  readonly history: History;
  readonly observed: string;
  readonly expected: string;
}

/** Plays the histories of one law, and remembers the last that failed: after shrinking that is the shortest. */
export class Play {
  readonly subject: Subject;
  readonly #law: LawName;
  #histories = 0;
  #failure: Failure | undefined;

  constructor(subject: Subject, law: LawName) {
    this.subject = subject;
    this.#law = law;
  }

  /** How many were played. */
  get histories(): number {
    return this.#histories;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Plays one history on a stage of its own. Throws when it breaks the law. */
  async run(topics: Topics, act: (stage: Stage) => Promise<void>): Promise<void> {
    this.#histories += 1;
    const stage = await Stage.open(this.subject, this.#law, topics);
    try {
      await act(stage);
      stage.check();
    } catch (error) {
      this.#failure = { history: stage.trace.report(), ...factsOf(error) };
      throw error;
    } finally {
      await stage.dismantle();
    }
  }
}

function factsOf(error: unknown): { observed: string; expected: string } {
  if (error instanceof LawViolation) return { observed: error.observed, expected: error.expected };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { observed: `an unexpected error: ${stack}`, expected: "no error that the contract does not name" };
}
