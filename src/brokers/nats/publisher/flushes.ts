import type { ConnectionListener, ServerConnection } from "../client.ts";
import type { RequestFault } from "../errors.ts";

interface Flush {
  readonly promise: Promise<void>;
  /** By subject: the promise that all publishes to it share. */
  readonly outcomes: Map<string, Promise<void>>;
  /** Subjects to which the server refused a publish. */
  readonly refused: Map<string, RequestFault>;
}

/** Confirms publishes by a flush, PING and PONG. Publishes that overlap share one. */
export class FlushConfirms implements ConnectionListener {
  readonly #server: ServerConnection;
  readonly #failure: (subject: string, error: unknown) => unknown;
  /** Not sent yet, so it covers what is published now. */
  #next: Flush | undefined = undefined;
  readonly #running = new Set<Flush>();

  /** `failure` makes the error with which a publish rejects. */
  constructor(server: ServerConnection, failure: (subject: string, error: unknown) => unknown) {
    this.#server = server;
    this.#failure = failure;
    server.add(this);
  }

  /**
   * Resolves when the server has what was published to `subject` before the call, and right after it. Call it before the
   * publish: the clients write to the socket in a microtask that the publish starts, so PING and message share a packet.
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

  // A flush that runs when the connection ends rejects by itself.
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
