import { ConnectionClosedError } from "../../traits/errors.ts";

/** How a connection ended. */
export interface Ending {
  readonly reason: string;
  /** It died, rather than being shut down. */
  readonly killed: boolean;
}

/** What lives no longer than its connection. */
export interface Bound {
  /** Take no more. */
  end(ending: Ending): void;
  /** Called once all others have ended as well: what is given back now goes to none of them. */
  giveBack?(ending: Ending): void;
}

/** From `connect()` to shutdown or death, and what has to end then. */
export class Lifetime {
  readonly #broker: string;
  readonly #bound = new Set<Bound>();
  #over = false;

  constructor(broker: string) {
    this.#broker = broker;
  }

  get over(): boolean {
    return this.#over;
  }

  add(bound: Bound): void {
    this.#bound.add(bound);
  }

  delete(bound: Bound): void {
    this.#bound.delete(bound);
  }

  /** Throws `ConnectionClosedError` once it is over. */
  check(during: string): void {
    if (this.#over) throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.#broker, during });
  }

  end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    const bound = [...this.#bound];
    this.#bound.clear();
    for (const one of bound) one.end(ending);
    for (const one of bound) one.giveBack?.(ending);
  }
}
