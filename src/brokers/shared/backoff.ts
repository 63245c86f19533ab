import { checkDuration, checkFunction } from "../../traits/arguments.ts";

/** How long to wait before each attempt to reconnect. The waits are jittered. */
export interface BackoffOptions {
  /** About how long the first wait is, in milliseconds. Each further wait is twice as long. @default 200 */
  readonly initialMs?: number;
  /** The longest wait, in milliseconds. @default 10_000 */
  readonly maxMs?: number;
}

/** How long to wait before the next attempt: exponential up to a limit, with a random share of at most half. */
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

  /** The next wait, in milliseconds. */
  next(): number {
    const step = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return step * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
