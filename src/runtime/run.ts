import { type OptionNames, optionNames } from "../traits/option-names.ts";
import type { RunStats } from "./stats.ts";

/**
 * A delivery that was not settled when its run ended; the broker delivers it again. Or one whose handler was
 * abandoned after a timeout and has not returned; that one may be settled.
 */
export interface LeftDelivery {
  readonly topic: string;
  readonly key: string | undefined;
  readonly attempt: number;
  /** "running": its handler has not returned. */
  readonly state: "waiting" | "running" | "settling";
}

/** How a run ended. */
export interface RunReport extends RunStats {
  /** "end": the subscription ended by itself, or somebody closed it or its connection. */
  readonly endedBy: "end" | "drain" | "stop";
  /** The deliveries that were not settled. */
  readonly left: readonly LeftDelivery[];
}

/** Options of `run.drain(options)`. */
export interface DrainOptions {
  /** How long the deliveries in flight may take, in milliseconds. Then the rest stays unsettled. @default 30_000 */
  readonly deadlineMs?: number;
  /** Makes the deadline now, when it aborts. */
  readonly signal?: AbortSignal;
}

/** Options of `run.stop(options)`. */
export interface StopOptions {
  /** How long running handlers may take, in milliseconds, after their signals have aborted. @default 5_000 */
  readonly deadlineMs?: number;
}

export const drainNames: OptionNames = optionNames<DrainOptions>()({ deadlineMs: true, signal: true });
export const stopNames: OptionNames = optionNames<StopOptions>()({ deadlineMs: true });

/** A running pipeline. It keeps the process alive until it is over, unless its clock moves by hand, as in a test. */
export interface Run {
  /** The topic of its subscription. */
  readonly topic: string;
  /**
   * Resolves when the run begins to pull, or ends before that. If the failure policy has a dead letter topic, the
   * run first asks its publisher whether the topic exists (`checkTopic`). If it does not, `started` and `done`
   * reject with the publisher's error, and nothing was pulled. If the error is `retryable`, it is reported, and the
   * run begins.
   */
  readonly started: Promise<void>;
  /**
   * Settles when the run is over and its subscriber closed. Rejects with the error that ended the subscription,
   * with `KeyError`, or with the error of a dead letter that can never be published (`retryable` is false). You
   * need not await it: such an error has been reported, and does not end the process.
   */
  readonly done: Promise<RunReport>;
  /** The counters at this moment. */
  readonly stats: RunStats;
  /**
   * Resolves when there is nothing to do: nothing is in flight, `afterSettle` work is finished, and the subscriber
   * has had nothing for two turns of the event loop. A delivery that waits for a retry is in flight. So if it fails
   * each time, and the policy has no `maxAttempts`, `idle()` does not resolve until the run is over. It does not
   * wait for messages that a server has not sent yet. Resolves also when the run is over; rejects, like `done`, if
   * the run failed.
   */
  idle(): Promise<void>;
  /**
   * Pulls nothing more, lets deliveries in flight settle until the deadline, then closes the subscriber. Of several
   * calls, the earliest deadline counts; `stop` may cut it short. A handler may call it, but one that awaits it
   * waits until the deadline, because it waits for itself. On a `VirtualClock`, a drain that waits only for the
   * clock rejects and says so, and the run goes on draining.
   */
  drain(options?: DrainOptions): Promise<RunReport>;
  /**
   * Pulls and starts nothing more, aborts the signals of running handlers, waits for them until the deadline, then
   * closes the subscriber. It carries out what those handlers decide: ack, drop or dead letter. Everything else
   * stays unsettled. Of several deadlines, those of drains included, the earliest counts. A handler may call it,
   * but one that awaits it waits until the deadline.
   */
  stop(options?: StopOptions): Promise<RunReport>;
}
