import { Backoff, type BackoffOptions } from "../../shared/backoff.ts";

/**
 * How long the client waits between attempts to reconnect. It asks any number of times between two attempts, and the
 * answer must stay the same.
 */
export class ReconnectDelay {
  readonly #backoff: Backoff;
  /** Until the next attempt. The first one is made at once. */
  #waitMs = 0;

  constructor(options?: BackoffOptions) {
    this.#backoff = new Backoff(options);
  }

  get waitMs(): number {
    return this.#waitMs;
  }

  attempted(): void {
    this.#waitMs = this.#backoff.next();
  }

  reset(): void {
    this.#waitMs = 0;
    this.#backoff.reset();
  }
}
