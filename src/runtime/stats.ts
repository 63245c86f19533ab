import type { Settlement } from "./delivery.ts";

/** Counters of one run. Each delivery is counted once among the ways to leave, or is in flight, or was left by a stop. */
export interface RunStats {
  /** Taken from the subscriber. `pulled = handled + dropped + deadLettered + redelivered + revoked + inFlight`. */
  readonly pulled: number;
  /** Left with an ack, or settled by the handler itself, in whatever way. */
  readonly handled: number;
  /** Left without a requeue: `drop()`, undecodable payloads and spent attempts without a dead letter topic. */
  readonly dropped: number;
  readonly deadLettered: number;
  /** Given back with a delay, in the "redeliver" mode. */
  readonly redelivered: number;
  /** No longer known to the broker, or its settle failed: the broker delivers them again. */
  readonly revoked: number;
  /** Runs scheduled again in place. */
  readonly retries: number;
  /** Handler runs that threw. */
  readonly failures: number;
  /** Payloads that did not decode; each left as dropped or dead-lettered. */
  readonly undecodable: number;
  /** `inFlight = waiting + running + settling`. */
  readonly inFlight: number;
  /** In a lane, or holding for a retry. */
  readonly waiting: number;
  readonly running: number;
  readonly settling: number;
  /** In flight after their handler failed or asked for it: they wait for their retry, or run again. */
  readonly retrying: number;
  /** In flight after their settle failed, or the publish of their dead letter: it is tried again, and their lanes wait. */
  readonly blocked: number;
  /**
   * Nothing was pulled for at least 5 seconds because there is no room: deliveries that are `retrying` or `blocked` fill it
   * with those that wait behind them, or `continuations` do. Reported as `IntakeStalledError` when it begins.
   */
  readonly stalled: boolean;
  /** The most there were in flight at once. */
  readonly peakInFlight: number;
  /** Keys with deliveries in flight. */
  readonly lanes: number;
  /** Asked for with `afterSettle` by deliveries that have left, and not finished. At 1,024 nothing is pulled. */
  readonly continuations: number;
}

export interface Counters {
  pulled: number;
  handled: number;
  dropped: number;
  deadLettered: number;
  redelivered: number;
  revoked: number;
  retries: number;
  failures: number;
  undecodable: number;
  running: number;
  settling: number;
  retrying: number;
  blocked: number;
}

export function newCounters(): Counters {
  return {
    pulled: 0,
    handled: 0,
    dropped: 0,
    deadLettered: 0,
    redelivered: 0,
    revoked: 0,
    retries: 0,
    failures: 0,
    undecodable: 0,
    running: 0,
    settling: 0,
    retrying: 0,
    blocked: 0,
  };
}

/** What a way to leave is counted as. */
export const counterOf: Record<
  Settlement,
  "handled" | "dropped" | "deadLettered" | "redelivered" | "revoked"
> = {
  ack: "handled",
  "by-handler": "handled",
  drop: "dropped",
  "dead-letter": "deadLettered",
  redeliver: "redelivered",
  revoked: "revoked",
};
