import type { Bound, Link } from "../connection/server-connection.ts";
import type { RequestFault } from "../errors.ts";

interface Round {
  readonly promise: Promise<void>;
  /** What those are told who published to a subject: one promise for all of them. */
  readonly outcomes: Map<string, Promise<void>>;
  /** Subjects the server did not let be published to. */
  readonly refused: Map<string, RequestFault>;
}

/** Round trips that prove the server has what was sent before. Publishes that overlap share one. */
export class Flushes implements Bound {
  readonly #link: Link;
  readonly #failure: (subject: string, error: unknown) => unknown;
  /** Not begun: whoever publishes now is still in time for it. */
  #next: Round | undefined = undefined;
  readonly #running = new Set<Round>();

  /** `failure`: what those are told whose publish failed. */
  constructor(link: Link, failure: (subject: string, error: unknown) => unknown) {
    this.#link = link;
    this.#failure = failure;
    link.add(this);
  }

  /**
   * Resolves when the server has what was published to `subject` before the call, and right after it. n.b. called before
   * the publish, its PING goes with what was published: the clients write to the socket in a microtask that the publish
   * begins. Behind that one it is a write, and a packet, of its own.
   */
  next(subject: string): Promise<void> {
    this.#next ??= this.#plan();
    const { outcomes } = this.#next;
    let outcome = outcomes.get(subject);
    if (outcome === undefined) {
      outcome = this.#outcome(this.#next, subject);
      outcomes.set(subject, outcome);
    }
    return outcome;
  }

  refused(subject: string, fault: RequestFault): boolean {
    const concerned = [...this.#running].filter((round) => round.outcomes.has(subject));
    for (const round of concerned) round.refused.set(subject, fault);
    return concerned.length > 0;
  }

  // A round that runs when the connection ends rejects by itself.
  end(): void {}

  async #outcome(round: Round, subject: string): Promise<void> {
    try {
      await round.promise;
    } catch (error) {
      throw this.#failure(subject, error);
    }
    const fault = round.refused.get(subject);
    if (fault !== undefined) throw this.#failure(subject, fault);
  }

  /** Begins at the end of this turn of promises, so that all who publish in it are served by one. */
  #plan(): Round {
    const round: Round = {
      outcomes: new Map(),
      refused: new Map(),
      promise: Promise.resolve().then(async () => {
        this.#next = undefined;
        try {
          await this.#link.flush();
        } finally {
          this.#running.delete(round);
        }
      }),
    };
    this.#running.add(round);
    return round;
  }
}
