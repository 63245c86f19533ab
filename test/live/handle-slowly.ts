import { setTimeout as pause } from "node:timers/promises";
import { byKey, type Message, pipeline, type Run, type Subscriber } from "tidelane";

const mebibyte = 2 ** 20;

export interface SlowWork {
  readonly inFlight: number;
  /** Handled before the memory at the start is taken. */
  readonly warmUp: number;
  /** Handled at least; then the run drains. */
  readonly messages: number;
}

export interface Growth {
  readonly handled: number;
  readonly peakInFlight: number;
  /** At most, after the warm-up. */
  readonly residentMiB: number;
  readonly grewMiB: number;
}

/** Handles each message for 1 ms, and tells how far resident memory grew after the warm-up. To be run with --expose-gc. */
export function handleSlowly<M extends Message>(
  subscriber: Subscriber<M>,
  { inFlight, warmUp, messages }: SlowWork,
): { readonly run: Run; readonly growth: Promise<Growth> } {
  let handled = 0;
  let start = 0;
  let peak = 0;
  const run = pipeline(subscriber)
    .workers(8, byKey, { maxInFlight: inFlight })
    .handle(async () => {
      await pause(1);
      handled += 1;
      if (handled === warmUp) {
        globalThis.gc?.();
        start = process.memoryUsage.rss();
      }
      if (handled > warmUp && handled % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss());
      if (handled === messages) void run.drain();
    });
  const growth = run.done.then(({ peakInFlight }) => ({
    handled,
    peakInFlight,
    residentMiB: peak / mebibyte,
    grewMiB: (peak - start) / mebibyte,
  }));
  return { run, growth };
}
