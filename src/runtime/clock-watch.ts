import { type Clock, nextTurn } from "../traits/clock.ts";
import { type Deferred, deferred } from "../traits/deferred.ts";
import { NotSupportedError } from "../traits/errors.ts";

/** So many turns of the event loop a test has to move its clock, before a drain that waits for it says so. */
const turnsToMoveClock = 100;

export interface ClockWatchHooks {
  /** Whether a drain waits, and only the clock can bring anything about. */
  isHeld(): boolean;
  /** Called before the drains reject. */
  stoodStill(error: NotSupportedError): void;
}

/** Notices that a drain waits for a clock that moves by hand, and that nobody moves it. */
export class ClockWatch {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #hooks: ClockWatchHooks;
  /** Rejects when the clock stands still; there while a drain wants to hear of it. */
  #stoodStill: Deferred<never> | undefined;
  #watching = false;

  constructor(topic: string, clock: Clock, hooks: ClockWatchHooks) {
    this.#topic = topic;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** Settles as `done` does, or rejects when the clock stands still before. */
  during<T>(done: Promise<T>): Promise<T> {
    this.#stoodStill ??= deferred();
    const drained = Promise.race([done, this.#stoodStill.promise]);
    drained.catch(() => undefined);
    void this.look();
    return drained;
  }

  /** Call when it may have come to the clock alone. */
  async look(): Promise<void> {
    if (this.#watching || this.#stoodStill === undefined) return;
    this.#watching = true;
    let now = this.#clock.now();
    for (let turns = 0; this.#hooks.isHeld(); turns += 1) {
      if (turns === turnsToMoveClock) {
        this.#reject();
        break;
      }
      await nextTurn();
      if (this.#clock.now() !== now) turns = 0;
      now = this.#clock.now();
    }
    this.#watching = false;
  }

  #reject(): void {
    const error = new NotSupportedError({
      capability: `The drain of "${this.#topic}" on a clock that stands still`,
      reason: "deliveries wait for their retry; advance the clock, then await the drain",
    });
    this.#hooks.stoodStill(error);
    // A later drain is told anew: the clock may have moved by then.
    this.#stoodStill?.reject(error);
    this.#stoodStill = undefined;
  }
}
