import { ConnectionClosedError } from "../../../traits/errors.ts";
import type { ConnectionEnd, ConnectionListener, ServerConnection } from "../server/server-connection.ts";

/** From `connect()` to `close()` or death, and what has to end then. */
export class Lifetime implements ServerConnection {
  readonly #broker: string;
  readonly #listeners = new Set<ConnectionListener>();
  #over = false;

  constructor(broker: string) {
    this.#broker = broker;
  }

  get over(): boolean {
    return this.#over;
  }

  add(listener: ConnectionListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
  }

  check(during: string): void {
    if (this.#over) throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.#broker, during });
  }

  end(ending: ConnectionEnd): void {
    if (this.#over) return;
    this.#over = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const one of listeners) one.end(ending);
    for (const one of listeners) one.giveBack?.(ending);
  }
}
