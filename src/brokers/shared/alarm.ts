import type { Clock, Timer } from "../../traits/clock.ts";

/** One timer for any number of moments. It rings at the earliest moment that was asked for since it last rang. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onRing: () => void;
  /** When it rings next; `Infinity` if no timer runs. */
  #due = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, onRing: () => void) {
    this.#clock = clock;
    this.#onRing = onRing;
  }

  /** Rings at `due` or earlier. It may ring for a moment that no longer matters, so look at the clock. */
  at(due: number): void {
    if (due >= this.#due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = this.#clock.schedule(Math.max(0, due - this.#clock.now()), () => {
      this.#reset();
      this.#onRing();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#reset();
  }

  #reset(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
  }
}
