import { VirtualClock } from "../../src/testing/index.ts";
import { sleep } from "../../src/traits/clock.ts";
import { type Clock, systemClock } from "../../src/traits/index.ts";
import type { Fixture, Timings } from "../fixture.ts";

/** How a history waits: on virtual time it never does, and on real time it waits no longer than it has to. */
export interface Pace {
  readonly clock: Clock;
  readonly virtual: boolean;
  /** Lets everything runnable run. On real time only until `operation` is over, or `stepMs` have passed. */
  rest(operation: Promise<unknown>): Promise<void>;
  /** Waits for `operation`, at most `limitMs` of the clock. Whether it is over. */
  within(operation: Promise<unknown>, limitMs: number): Promise<boolean>;
  advance(ms: number): Promise<void>;
  /** Timers that are still armed, where that can be known. */
  timers(): number | undefined;
  /** Every timer that was due before this time has fired: on a busy machine timers are late. */
  firedUntil(): number;
}

export function paceOf(fixture: Fixture, timings?: Timings): Pace {
  return fixture.time === "virtual" ? new VirtualPace() : new RealPace(timings?.stepMs ?? 0);
}

/** So many turns of the microtask queue: enough to fall between two steps of an operation that overlaps. */
export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await undefined;
}

class VirtualPace implements Pace {
  readonly clock: VirtualClock = new VirtualClock();
  readonly virtual = true;
  /** Ends when time stands where it was last told to go. */
  #moved: Promise<void> = Promise.resolve();

  async rest(): Promise<void> {
    await this.clock.flush();
    await this.#moved;
  }

  async within(operation: Promise<unknown>, limitMs: number): Promise<boolean> {
    const watched = watch(operation);
    await this.clock.flush();
    // Only an operation that is not over at once costs time; most are.
    const until = this.clock.now() + limitMs;
    while (!watched.over && this.clock.now() < until) {
      if (!(await this.clock.advanceToNext())) break;
    }
    return watched.over;
  }

  advance(ms: number): Promise<void> {
    this.#moved = this.clock.advance(ms);
    return this.#moved;
  }

  timers(): number {
    return this.clock.timers;
  }

  firedUntil(): number {
    return this.clock.now();
  }
}

class RealPace implements Pace {
  readonly clock: Clock = systemClock;
  readonly virtual = false;
  readonly #stepMs: number;
  #firedUntil = 0;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  async rest(operation: Promise<unknown>): Promise<void> {
    await this.within(operation, this.#stepMs);
    const now = this.clock.now();
    // Timers fire in the order in which they are due, so this one fires after those before it.
    await sleep(this.clock, 0);
    this.#firedUntil = now;
  }

  async within(operation: Promise<unknown>, limitMs: number): Promise<boolean> {
    const watched = watch(operation);
    const timeout = new AbortController();
    const late = sleep(this.clock, limitMs, timeout.signal).catch(() => undefined);
    await Promise.race([watched.settled, late]);
    timeout.abort();
    return watched.over;
  }

  advance(ms: number): Promise<void> {
    return sleep(this.clock, ms);
  }

  timers(): undefined {
    return undefined;
  }

  firedUntil(): number {
    return this.#firedUntil;
  }
}

interface Watched {
  over: boolean;
  readonly settled: Promise<void>;
}

function watch(operation: Promise<unknown>): Watched {
  const finish = (): void => {
    watched.over = true;
  };
  const watched: Watched = { over: false, settled: operation.then(finish, finish) };
  return watched;
}
