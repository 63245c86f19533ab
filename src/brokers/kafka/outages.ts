import { diagnostics } from "../../traits/diagnostics.ts";

/** Which parts of a connection are without the server now. Tells the world when one goes and when it is back. */
export class Outages {
  readonly #broker: string;
  readonly #parts = new Set<object>();

  constructor(broker: string) {
    this.#broker = broker;
  }

  get any(): boolean {
    return this.#parts.size > 0;
  }

  /** `part` is gone, or the `attempt`th try to bring it back failed. */
  lost(part: object, attempt: number, error: unknown): void {
    this.#parts.add(part);
    const channel = diagnostics["tidelane:reconnect"];
    if (channel.hasSubscribers) channel.publish({ broker: this.#broker, state: "lost", attempt, error });
  }

  /** `part` is back, after that many tries. */
  restored(part: object, attempt: number): void {
    if (!this.#parts.delete(part)) return;
    const channel = diagnostics["tidelane:reconnect"];
    if (channel.hasSubscribers) channel.publish({ broker: this.#broker, state: "restored", attempt });
  }

  /** `part` has ended. */
  forget(part: object): void {
    this.#parts.delete(part);
  }
}
