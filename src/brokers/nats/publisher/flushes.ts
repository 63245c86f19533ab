import type { ConnectionListener, ServerConnection } from "../client.ts";
import type { RequestFault } from "../errors.ts";

interface Flush {
  readonly promise: Promise<void>;
  /** What those are told who published to a subject: one promise for all of them. */
  readonly outcomes: Map<string, Promise<void>>;
  /** Subjects the server did not let be published to. */
  readonly refused: Map<string, RequestFault>;
}

/** Round trips that prove the server has what was sent before. Publishes that overlap share one. */
export class FlushConfirms implements ConnectionListener {
  readonly #server: ServerConnection;
  readonly #failure: (subject: string, error: unknown) => unknown;
  /** Not begun: whoever publishes now is still in time for it. */
  #next: Flush | undefined = undefined;
  readonly #running = new Set<Flush>();

  /** `failure`: what those are told whose publish failed. */
  constructor(server: ServerConnection, failure: (subject: string, error: unknown) => unknown) {
    this.#server = server;
    this.#failure = failure;
    server.add(this);
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

  publishRefused(subject: string, fault: RequestFault): boolean {
    const concerned = [...this.#running].filter((flush) => flush.outcomes.has(subject));
    for (const flush of concerned) flush.refused.set(subject, fault);
    return concerned.length > 0;
  }

  // A round that runs when the connection ends rejects by itself.
  connectionEnded(): void {}

  async #outcome(flush: Flush, subject: string): Promise<void> {
    try {
      await flush.promise;
    } catch (error) {
      throw this.#failure(subject, error);
    }
    const fault = flush.refused.get(subject);
    if (fault !== undefined) throw this.#failure(subject, fault);
  }

  /** Begins at the end of this turn of promises, so that all who publish in it are served by one. */
  #plan(): Flush {
    const flush: Flush = {
      outcomes: new Map(),
      refused: new Map(),
      promise: Promise.resolve().then(async () => {
        this.#next = undefined;
        try {
          await this.#server.flush();
        } finally {
          this.#running.delete(flush);
        }
      }),
    };
    this.#running.add(flush);
    return flush;
  }
}
