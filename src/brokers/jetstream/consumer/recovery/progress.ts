/**
 * How far a subscription with a consumer of its own has come, so that one that is deleted can be made again where it
 * stopped: with nothing left out, and nothing that is done delivered again.
 */
export class Progress {
  /** The highest sequence that was delivered; what the consumer started above, before the first. */
  #highest: number;
  /** Delivered and not done: unsettled here, requeued, or revoked by its deadline. */
  readonly #open = new Set<number>();
  /** Up to here a consumer that was made again goes over old ground. */
  #again = 0;

  constructor(startsAbove: number) {
    this.#highest = startsAbove;
  }

  /** A message came, the `count`th time from its consumer. False where it is done already, and only needs an ack. */
  delivered(sequence: number, count: number): boolean {
    if (count === 1 && sequence <= this.#again && !this.#open.has(sequence)) return false;
    this.#open.add(sequence);
    this.#highest = Math.max(this.#highest, sequence);
    return true;
  }

  done(sequence: number): void {
    this.#open.delete(sequence);
  }

  /** The consumer is gone. Returns the sequence at which a new one has to start. */
  restart(): number {
    this.#again = this.#highest;
    let lowest = this.#highest + 1;
    for (const sequence of this.#open) lowest = Math.min(lowest, sequence);
    return lowest;
  }
}
