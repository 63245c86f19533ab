import { setImmediate } from "node:timers";
import { checkDuration } from "../traits/arguments.ts";
import type { Clock, Timer } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { type HeapEntry, TimerHeap } from "./timer-heap.ts";

/** How many turns of the event loop `flush` gives to work that yields by `setImmediate` itself. */
const flushTurns = 8;
/** The same between two timers. One turn runs every microtask; the second is for work that yields once. */
const turnsBetweenTimers = 2;

/**
 * A clock that moves only when a test moves it. So a test over hours takes milliseconds, and gives the same result
 * each time.
 *
 * If calls of `advance` and `advanceToNext` overlap, they run one after another.
 */
export class VirtualClock implements Clock {
  readonly manual = true;
  readonly #heap = new TimerHeap<VirtualTimer>();
  #now: number;
  #sequence = 0;
  /** Settles when the calls made so far are over; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(startMs = 0) {
    if (!Number.isFinite(startMs)) {
      throw new InvalidArgumentError({
        argument: "VirtualClock(startMs)",
        expected: "a finite number of milliseconds",
        received: startMs,
      });
    }
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** How many timers are armed. If it is 0 at the end of a test, nothing was left waiting. */
  get timers(): number {
    return this.#heap.size;
  }

  /** A negative delay counts as 0. `Infinity` never fires. */
  schedule(delayMs: number, callback: () => void): Timer {
    if (typeof delayMs !== "number" || Number.isNaN(delayMs)) {
      throw new InvalidArgumentError({
        argument: "schedule(delayMs)",
        expected: "a number of milliseconds",
        received: delayMs,
      });
    }
    this.#sequence += 1;
    const due = this.#now + Math.max(0, delayMs);
    const timer = new VirtualTimer(this.#heap, due, this.#sequence, callback);
    this.#heap.add(timer);
    return timer;
  }

  /**
   * Moves time by `ms` milliseconds. Timers fire in the order of their due times. Everything that can run does so
   * before the first timer and after each, so a timer's work may schedule more timers within `ms`. If a callback
   * throws, the clock stops there, and the call rejects with the error.
   */
  advance(ms: number): Promise<void> {
    try {
      checkDuration("advance(ms)", ms);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#inTurn(async () => {
      const until = this.#now + ms;
      await turns(turnsBetweenTimers);
      await this.#fireUntil(until);
      this.#now = until;
      await turns(flushTurns);
    });
  }

  /**
   * Moves time to the next timer, and fires all that are due then. Resolves with `false`, and moves nothing, if
   * there is no timer.
   */
  advanceToNext(): Promise<boolean> {
    return this.#inTurn(async () => {
      await turns(flushTurns);
      const due = this.#heap.peek()?.due ?? Number.POSITIVE_INFINITY;
      if (due === Number.POSITIVE_INFINITY) return false;
      await this.#fireUntil(due);
      await turns(flushTurns);
      return true;
    });
  }

  /** Lets everything run that can, and does not move time. */
  flush(): Promise<void> {
    return turns(flushTurns);
  }

  async #fireUntil(until: number): Promise<void> {
    for (let next = this.#heap.peek(); next !== undefined && next.due <= until; next = this.#heap.peek()) {
      this.#now = next.due;
      next.fire();
      await turns(turnsBetweenTimers);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

class VirtualTimer implements Timer, HeapEntry {
  readonly due: number;
  readonly sequence: number;
  position = -1;
  readonly #heap: TimerHeap<VirtualTimer>;
  /** Dropped once it has fired or was cancelled, so that a kept timer keeps nothing else alive. */
  #callback: (() => void) | undefined;

  constructor(heap: TimerHeap<VirtualTimer>, due: number, sequence: number, callback: () => void) {
    this.#heap = heap;
    this.due = due;
    this.sequence = sequence;
    this.#callback = callback;
  }

  cancel(): void {
    this.#heap.remove(this);
    this.#callback = undefined;
  }

  fire(): void {
    const callback = this.#callback;
    this.cancel();
    callback?.();
  }
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}
