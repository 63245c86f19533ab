import type { RequestFault } from "./errors.ts";
import type { Bound, Link } from "./link.ts";

interface Round {
  readonly promise: Promise<void>;
  /** Subjects that were published to, and those of them the server refused. */
  readonly subjects: Set<string>;
  readonly refused: Map<string, RequestFault>;
}

/** Round trips that prove the server has what was sent before. Publishes that overlap share one. */
export class Flushes implements Bound {
  readonly #link: Link;
  /** Not begun: whoever publishes now is still in time for it. */
  #next: Round | undefined = undefined;
  readonly #running = new Set<Round>();

  constructor(link: Link) {
    this.#link = link;
    link.add(this);
  }

  /** Resolves when the server has what was published to `subject` before the call; rejects with a `RequestFault`. */
  async next(subject: string): Promise<void> {
    this.#next ??= this.#plan();
    const round = this.#next;
    round.subjects.add(subject);
    await round.promise;
    const fault = round.refused.get(subject);
    if (fault !== undefined) throw fault;
  }

  refused(subject: string, fault: RequestFault): boolean {
    const concerned = [...this.#running].filter((round) => round.subjects.has(subject));
    for (const round of concerned) round.refused.set(subject, fault);
    return concerned.length > 0;
  }

  // A round that runs when the connection ends rejects by itself.
  end(): void {}

  /** Begins at the end of this turn of promises, so that all who publish in it are served by one. */
  #plan(): Round {
    const round: Round = {
      subjects: new Set(),
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
