import { type OptionNames, optionNames } from "../traits/option-names.ts";
import type { RunStats } from "./stats.ts";

/**
 * A delivery that was not settled when its run ended; it goes back to the broker. Or one whose handler was given up after
 * a timeout (`onTimeout: "abandon"`) and had not returned; that one may be settled.
 */
export interface LeftDelivery {
  readonly topic: string;
  readonly key: string | undefined;
  readonly attempt: number;
  /** "running": its handler had not returned. */
  readonly state: "waiting" | "running" | "settling";
}

/** How a run ended. */
export interface RunReport extends RunStats {
  /** "end": the subscription ended by itself, or its connection was closed under the run. */
  readonly endedBy: "end" | "drain" | "stop";
  readonly left: readonly LeftDelivery[];
}

export interface DrainOptions {
  /** Milliseconds for what is in flight; then the rest goes back unsettled. @default 30_000 */
  readonly deadlineMs?: number;
  /** Makes the deadline now. */
  readonly signal?: AbortSignal;
}

export interface StopOptions {
  /** Milliseconds for handlers that are running, whose signals have aborted. @default 5_000 */
  readonly deadlineMs?: number;
}

export const drainNames: OptionNames = optionNames<DrainOptions>()({ deadlineMs: true, signal: true });
export const stopNames: OptionNames = optionNames<StopOptions>()({ deadlineMs: true });

/** A pipeline at work. It keeps the process alive until it is over; in a test whose clock moves by hand it does not. */
export interface Run {
  /** Of its subscription. */
  readonly topic: string;
  /**
   * Resolves when the run begins to pull, or ends before. It asks the publisher of a dead letter topic first whether there
   * is a place for a message (`checkTopic`); where there is none `started` and `done` reject with what the publisher said,
   * and nothing has been pulled. An answer that may be another one later (`retryable`) is reported, and the run begins.
   */
  readonly started: Promise<void>;
  /**
   * Settles when the run is over and its subscriber closed. Rejects with what ended the subscription, with `KeyError`, or
   * with the error of a dead letter that its publisher can never publish (`retryable` is false); a rejection nobody awaits
   * has been reported and does not end the process.
   */
  readonly done: Promise<RunReport>;
  readonly stats: RunStats;
  /**
   * Resolves when there is nothing to do: nothing is in flight (a retry that waits is), no continuation is unfinished, and
   * the subscriber has had nothing to give for two turns of the event loop. What a server has not sent yet is not waited
   * for. A delivery that is retried without end is in flight without end: set `maxAttempts`, so that one that never
   * succeeds leaves. Resolves too when the run is over; rejects with the error of one that failed, as `done` does.
   */
  idle(): Promise<void>;
  /**
   * Pulls no more, lets what is in flight settle until the deadline, then closes the subscriber. Called again, or after
   * a `stop`, it is the same end, and the earliest deadline counts; `stop` may cut it short. A handler may call it, and
   * one that awaits it waits for itself, until the deadline. On a clock that only moves by hand (`VirtualClock`), a drain
   * that waits for nothing but that clock rejects with a sentence that says to move it; the run goes on draining.
   */
  drain(options?: DrainOptions): Promise<RunReport>;
  /**
   * Pulls and starts no more, aborts the signals of running handlers, waits for them until the deadline, then closes the
   * subscriber. What a handler decides meanwhile (ack, drop, dead letter) is carried out; everything else goes back. Of
   * several deadlines, those of a drain included, the earliest counts. A handler may call it, and one that awaits it
   * waits for itself, until the deadline.
   */
  stop(options?: StopOptions): Promise<RunReport>;
}
