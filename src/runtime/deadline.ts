import type { Clock, Timer } from "../traits/clock.ts";
import { deferred } from "../traits/deferred.ts";

/** A moment that passes once: by the clock, or early by `expire`. */
export class Deadline {
  /** Resolves with the reason when it has passed; stays open when cancelled before. */
  readonly passed: Promise<unknown>;
  readonly #passed = deferred<unknown>();
  readonly #timer: Timer;

  constructor(clock: Clock, afterMs: number, reason: () => unknown) {
    this.passed = this.#passed.promise;
    this.#timer = clock.schedule(afterMs, () => this.#passed.resolve(reason()));
  }

  expire(reason: unknown): void {
    this.#timer.cancel();
    this.#passed.resolve(reason);
  }

  cancel(): void {
    this.#timer.cancel();
  }
}
