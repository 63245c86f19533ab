import { AbortedError, InvalidArgumentError, throwIfAborted } from "./errors.ts";

/** A timer that can be canceled. After it fired, or a second time, `cancel()` does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Where time comes from. Everything in tidelane that waits takes a clock, so that a test can move time with a
 * `VirtualClock`.
 */
export interface Clock {
  /** Milliseconds since some fixed moment. It never decreases. */
  now(): number;
  /**
   * Calls `callback` once, at least `delayMs` milliseconds from now, and never before `schedule` returns. A
   * negative delay counts as 0. `Infinity` never fires. `NaN` throws `InvalidArgumentError`. `callback` must not
   * throw.
   */
  schedule(delayMs: number, callback: () => void): Timer;
  /**
   * `true` if time moves only when somebody moves it, as in a test. Then a drain that waits for the clock alone
   * rejects instead of hanging.
   */
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

/** The machine's monotonic clock. A timer keeps the process alive until it fires or is canceled. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (delayMs, callback) => new SystemTimer(delayMs, callback),
};

/** Resolves after `delayMs` milliseconds of `clock`. If `signal` aborts first, it rejects with `AbortedError`. */
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
