import { checkDuration, checkFunction } from "../../traits/arguments.ts";

export interface BackoffOptions {
  /** Milliseconds, about, before the next attempt; each wait after it is twice as long. @default 200 */
  readonly initialMs?: number;
  /** The longest wait. @default 10_000 */
  readonly maxMs?: number;
}

/** How long to wait before trying again: exponential up to a cap, spread over the upper half of each step. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}, random: () => number = Math.random) {
    this.#initialMs = checkDuration("options.reconnect.initialMs", options.initialMs ?? 200);
    this.#maxMs = checkDuration("options.reconnect.maxMs", options.maxMs ?? 10_000);
    checkFunction("random", random);
    this.#random = random;
  }

  /** How many waits were asked for since the last `reset()`. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const step = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return step * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
