import { performance } from "node:perf_hooks";
import { type Clock, systemClock, type Timer } from "../../src/traits/index.ts";

/** Only limits for histories that hang are as long as that. */
const shortestLimitMs = 1_000;
const lookMs = 200;
/** So many looks in a row have to find nothing at work. */
const historyLooks = 4;
const idle = 0.2;

/**
 * A history that hangs waits for nothing: the event loop stands still. So its limit is over after less than a second, where the
 * clock would have waited for five; and on a machine that is busy with other things it is not over before.
 */
export function limitByIdleness(): void {
  const scheduleByTime = systemClock.schedule;
  const clock = systemClock as { schedule: Clock["schedule"] };
  clock.schedule = (delayMs, callback) =>
    delayMs < shortestLimitMs ? scheduleByTime(delayMs, callback) : watchIdleness(callback, historyLooks);
}

/** Calls back once the event loop has stood still for so many looks of 200 ms. */
export function watchIdleness(callback: () => void, looks: number): Timer {
  let last = performance.eventLoopUtilization();
  let found = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    found = performance.eventLoopUtilization(now, last).utilization < idle ? found + 1 : 0;
    last = now;
    if (found < looks) return;
    clearInterval(timer);
    callback();
  }, lookMs);
  return { cancel: () => clearInterval(timer) };
}
