import type { Clock } from "../../traits/clock.ts";

/**
 * Waits for `promise` to settle, but at most `limitMs`. Resolves with whether it did. Never rejects, and nobody
 * else sees how the promise ends.
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
