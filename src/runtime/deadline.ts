import type { Clock, Timer } from "../traits/clock.ts";
import { deferred } from "../traits/deferred.ts";

/** A moment that passes once: the earliest of all that were named, or now, by `expire`. */
export class Deadline {
  /** Resolves with the reason when it has passed; stays open when none was named, or it was cancelled before. */
  readonly passed: Promise<unknown>;
  readonly #passed = deferred<unknown>();
  readonly #clock: Clock;
  #timer: Timer | undefined;
  /** When the armed timer fires; once it has passed or was cancelled nothing is earlier. */
  #due = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.passed = this.#passed.promise;
  }

  /** It passes in `afterMs` at the latest. A moment later than the one it has changes nothing. */
  within(afterMs: number, reason: () => unknown): void {
    const due = this.#clock.now() + afterMs;
    if (due >= this.#due) return;
    this.#due = due;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(afterMs, () => this.expire(reason()));
  }

  expire(reason: unknown): void {
    this.cancel();
    this.#passed.resolve(reason);
  }

  /** No moment counts any more. */
  cancel(): void {
    this.#due = Number.NEGATIVE_INFINITY;
    this.#timer?.cancel();
  }
}
