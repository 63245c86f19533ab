import type { Clock } from "../../traits/clock.ts";

/**
 * Waits for `promise` to settle, but no longer than `limitMs`. Tells whether it did. Never rejects, and owns the promise:
 * how it ends, now or later, is for nobody else to see.
 */
export function within(clock: Clock, limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.schedule(limitMs, () => resolve(false));
    const settled = (): void => {
      timer.cancel();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
