import type { Returning } from "./nak-unheld.ts";

/** So often what does not come again is asked for once more. */
const mostShortfalls = 5;

/**
 * What was unsettled when a reader took over, or came back, and comes again first. It waits until all of it is here: it
 * comes in any order, and is handed out in the stream's.
 */
export class Comeback {
  #awaited: Returning | undefined = undefined;
  /** How many of it have come. */
  #came = 0;
  /**
   * What may be unsettled here until it has come. It was unsettled on the server before, so it may be more than
   * `maxInFlight`: of a reader whose last acks were lost with it.
   */
  #room = 0;
  /** How often in a row not all of it came. */
  #shortfalls = 0;

  begin(awaited: Returning, unsettled: number): void {
    this.#awaited = awaited;
    this.#came = 0;
    this.#room = unsettled + awaited.count;
  }

  /** Counts a delivery, by its sequence in the stream, if it is one of these. */
  counts(sequence: number): boolean {
    if (this.#awaited === undefined || sequence > this.#awaited.upTo) return false;
    this.#came += 1;
    return true;
  }

  bound(maxInFlight: number): number {
    return this.#awaited === undefined ? maxInFlight : Math.max(maxInFlight, this.#room);
  }

  isComplete(): boolean {
    const isComplete = this.#awaited === undefined || this.#came >= this.#awaited.count;
    if (isComplete) this.#shortfalls = 0;
    return isComplete;
  }

  /**
   * What is missing when the server has no more of it to deliver, if it is worth another try. n.b. a server before 2.10
   * may keep some back until their ack deadline. What never comes is no longer in the stream, so this has an end.
   */
  shortfall(): string | undefined {
    const { count } = this.#awaited ?? { count: 0 };
    if (this.#awaited === undefined || this.#came >= count || this.#shortfalls >= mostShortfalls)
      return undefined;
    this.#shortfalls += 1;
    return `only ${this.#came} of ${count} deliveries came again`;
  }

  /** Nothing is awaited any more. False: nothing was. */
  end(): boolean {
    const was = this.#awaited !== undefined;
    this.#awaited = undefined;
    return was;
  }
}
