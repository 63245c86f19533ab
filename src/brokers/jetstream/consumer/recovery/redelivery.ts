import type { Deliveries } from "../deliveries.ts";
import type { ExpectedRedelivery } from "./nak-unheld.ts";

/** How often deliveries that do not come again are nakked once more. */
const mostShortfalls = 5;

/** None of these may throw. */
export interface RedeliveryEvents {
  /** What was held back can be taken. */
  released(): void;
  /** The server has no more to deliver, and some did not come: they have to be nakked once more. */
  missing(reason: string): void;
}

/**
 * The deliveries that were nakked when a reader took over, or reconnected. The server delivers them again in any order, so
 * they are held back until all have come, and then handed out in the order of the stream.
 */
export class Redelivery {
  readonly #deliveries: Deliveries;
  readonly #events: RedeliveryEvents;
  #awaited: ExpectedRedelivery | undefined = undefined;
  /** How many of it have come. */
  #came = 0;
  /**
   * What may be unsettled here until it has come. It was unsettled on the server before, so it may be more than
   * `maxInFlight`: of a reader whose last acks were lost with it.
   */
  #room = 0;
  /** How often in a row not all of it came. */
  #shortfalls = 0;

  constructor(deliveries: Deliveries, events: RedeliveryEvents) {
    this.#deliveries = deliveries;
    this.#events = events;
  }

  begin(awaited: ExpectedRedelivery): void {
    this.#awaited = awaited;
    this.#came = 0;
    this.#room = this.#deliveries.unsettled + awaited.count;
    if (awaited.count === 0) this.releaseIfComplete();
  }

  /** Counts a delivery, by its sequence in the stream, if it is one of these. */
  accepts(sequence: number): boolean {
    if (this.#awaited === undefined || sequence > this.#awaited.upTo) return false;
    this.#came += 1;
    return true;
  }

  /** What may be unsettled here at most. */
  limit(maxInFlight: number): number {
    return this.#awaited === undefined ? maxInFlight : Math.max(maxInFlight, this.#room);
  }

  releaseIfComplete(): void {
    if (this.#awaited !== undefined && this.#came < this.#awaited.count) return;
    this.#shortfalls = 0;
    this.#release();
  }

  /** The server has no more to deliver. False if some did not come, and are nakked once more. */
  releaseRest(): boolean {
    const missing = this.#shortfall();
    if (missing !== undefined) this.#events.missing(missing);
    else this.#release();
    return missing === undefined;
  }

  /** Nothing is awaited any more. */
  end(): void {
    this.#awaited = undefined;
  }

  /**
   * What is missing, if it is worth another attempt: a server before 2.10 may keep some back until their ack deadline. Those
   * that never come are no longer in the stream, so the number of attempts is limited.
   */
  #shortfall(): string | undefined {
    const { count } = this.#awaited ?? { count: 0 };
    if (this.#awaited === undefined || this.#came >= count || this.#shortfalls >= mostShortfalls)
      return undefined;
    this.#shortfalls += 1;
    return `only ${this.#came} of ${count} deliveries came again`;
  }

  #release(): void {
    if (this.#awaited === undefined) return;
    this.#awaited = undefined;
    this.#deliveries.releaseHeldBack();
    this.#events.released();
  }
}
