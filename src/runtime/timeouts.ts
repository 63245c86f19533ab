import type { Clock, Timer } from "../traits/clock.ts";
import { TimeoutError } from "../traits/errors.ts";
import type { HandlerContext } from "./delivery.ts";

interface TimedRun<D> {
  readonly delivery: D;
  readonly due: number;
  /** Set once its time is up. */
  error: TimeoutError | undefined;
}

/**
 * The time handlers have. All have the same, so the oldest run is due first, and one timer serves a whole pipeline: it is
 * armed for a due time that is no later than that of any run.
 */
export class Timeouts<D extends Pick<HandlerContext, "worker" | "topic" | "key" | "attempt">> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #expired: (delivery: D, error: TimeoutError) => void;
  /** By the number of the worker. */
  readonly #runs: (TimedRun<D> | undefined)[] = [];
  #timer: Timer | undefined;
  #over = false;

  constructor(clock: Clock, timeoutMs: number, expired: (delivery: D, error: TimeoutError) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#expired = expired;
  }

  /** Its handler has returned a promise. */
  started(delivery: D): void {
    const due = this.#clock.now() + this.#timeoutMs;
    this.#runs[delivery.worker] = { delivery, due, error: undefined };
    this.#arm(this.#timeoutMs);
  }

  /** Its run is over; gives the error when that came too late. */
  ended(delivery: D): TimeoutError | undefined {
    const error = this.errorOf(delivery);
    this.#runs[delivery.worker] = undefined;
    return error;
  }

  errorOf({ worker }: D): TimeoutError | undefined {
    return this.#runs[worker]?.error;
  }

  /** Disarms the timer: call when no handler runs, as an armed timer keeps the process alive. */
  rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Nobody's time is up any more. */
  stop(): void {
    this.rest();
    this.#over = true;
  }

  #arm(afterMs: number): void {
    if (this.#over) return;
    this.#timer ??= this.#clock.schedule(afterMs, () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    const over: TimedRun<D>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const run of this.#runs) {
      if (run === undefined || run.error) continue;
      if (run.due <= now) over.push(run);
      else next = Math.min(next, run.due);
    }
    this.#timer = undefined;
    // Before anybody is told: that may start other runs, which are due later.
    if (next < Number.POSITIVE_INFINITY) this.#arm(next - now);
    for (const run of over) {
      const { delivery } = run;
      const { topic, key, attempt } = delivery;
      const named = key === undefined ? "" : `key ${JSON.stringify(key)}, `;
      const what = `The handler of "${topic}" (${named}attempt ${attempt})`;
      run.error = new TimeoutError({ what, timeoutMs: this.#timeoutMs });
      this.#expired(delivery, run.error);
    }
  }
}
