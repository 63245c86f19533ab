import { AbortedError, InvalidArgumentError, throwIfAborted } from "./errors.ts";

/** A timer that can be taken back. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Where time comes from. Everything in this library that waits takes a clock, so that a test can own time
 * (`VirtualClock` in `tidelane/testing`).
 */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Calls back once, no sooner than `delayMs` from now and never at once. Below 0 counts as 0, `Infinity` never comes, `NaN`
   * throws `InvalidArgumentError`. `callback` must not throw.
   */
  schedule(delayMs: number, callback: () => void): Timer;
  /** Set where time moves only when somebody moves it, as in a test: what waits for it says so instead of hanging. */
  readonly manual?: boolean;
}

/** The longest delay a Node timer takes; above it, it would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

class SystemTimer implements Timer {
  readonly #due: number;
  readonly #callback: () => void;
  #handle: ReturnType<typeof setTimeout>;

  constructor(delayMs: number, callback: () => void) {
    // NaN would never be due, and its timer would be armed again every millisecond.
    if (typeof delayMs !== "number" || Number.isNaN(delayMs)) {
      throw new InvalidArgumentError({
        argument: "schedule(delayMs)",
        expected: "a number of milliseconds",
        received: delayMs,
      });
    }
    this.#due = performance.now() + delayMs;
    this.#callback = callback;
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  // Node may fire up to a millisecond early and cannot wait longer than longestTimerMs: both are met by arming again.
  #arm(): ReturnType<typeof setTimeout> {
    const leftMs = Math.min(Math.ceil(this.#due - performance.now()), longestTimerMs);
    return setTimeout(() => {
      if (performance.now() >= this.#due) this.#callback();
      else this.#handle = this.#arm();
    }, leftMs);
  }
}

/** The machine's monotonic clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (delayMs, callback) => new SystemTimer(delayMs, callback),
};

/** Resolves after `delayMs` on `clock`; rejects with `AbortedError` when `signal` fires first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal, "A wait");
    const onAbort = (): void => {
      timer.cancel();
      reject(new AbortedError({ what: "A wait", cause: signal?.reason }));
    };
    const timer = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Resolves in the next turn of the event loop, so that a busy loop of promises lets timers and I/O in. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
