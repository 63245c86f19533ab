/** Counts what is still to be done. `done` resolves when the count first comes to zero. */
export class Countdown {
  readonly done: Promise<void>;
  #left: number;
  #finish: () => void = () => undefined;

  /** @param left what is to be done already, at least 1 */
  constructor(left: number) {
    this.#left = left;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  up(): void {
    this.#left += 1;
  }

  down(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#finish();
  }
}
