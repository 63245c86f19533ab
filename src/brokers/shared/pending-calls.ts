import type { Clock } from "../../traits/clock.ts";
import { Alarm } from "./alarm.ts";

/** A call that waits until `due` at most. */
export interface TimedCall {
  readonly due: number;
  /** Its time is over. It must remove itself from its `PendingCalls`. */
  expire(): void;
}

/**
 * Calls that wait for an answer, in the order they were added. They share one timer, because setting and canceling
 * a timer for each one took a twentieth of the time of a request.
 */
export class PendingCalls<K, C extends TimedCall> implements Iterable<C> {
  readonly #clock: Clock;
  readonly #calls = new Map<K, C>();
  readonly #alarm: Alarm;
  /** The latest `due` since there was no call. */
  #latestDue = Number.NEGATIVE_INFINITY;
  /** Whether the calls stand in the order of `due`, as calls with one time limit do. */
  #inOrder = true;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#expire());
  }

  get size(): number {
    return this.#calls.size;
  }

  get(key: K): C | undefined {
    return this.#calls.get(key);
  }

  add(key: K, call: C): void {
    this.#calls.set(key, call);
    if (call.due < this.#latestDue) this.#inOrder = false;
    else this.#latestDue = call.due;
    this.#alarm.at(call.due);
  }

  delete(key: K): void {
    this.#calls.delete(key);
    if (this.#calls.size > 0) return;
    this.#alarm.cancel();
    this.#latestDue = Number.NEGATIVE_INFINITY;
    this.#inOrder = true;
  }

  /** Calls may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<C> {
    return this.#calls.values();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const call of this.#calls.values()) {
      if (call.due <= now) call.expire();
      else {
        this.#alarm.at(call.due);
        // Thousands may wait, and be due in as many different milliseconds.
        if (this.#inOrder) return;
      }
    }
  }
}
