import type { Settlement } from "./delivery.ts";

/** The counters of a run. Each delivery is in flight, or was left by a stop, or is counted once by how it left. */
export interface RunStats {
  /**
   * Deliveries taken from the subscriber. `pulled = handled + dropped + deadLettered + redelivered + revoked +
   * inFlight`.
   */
  readonly pulled: number;
  /** Acked, or settled by the handler itself. */
  readonly handled: number;
  /**
   * Settled without a requeue: `drop()`, payloads that did not decode, and used-up attempts without a dead letter
   * topic.
   */
  readonly dropped: number;
  /** Published to the dead letter topic and acked, or dead-lettered by the broker. */
  readonly deadLettered: number;
  /** Requeued with a delay, in the "redeliver" mode. */
  readonly redelivered: number;
  /** Revoked by the broker, or left after a failed settle. The broker delivers them again. */
  readonly revoked: number;
  /** Retries in place that were scheduled. */
  readonly retries: number;
  /** Handler runs that failed. */
  readonly failures: number;
  /** Payloads that did not decode. Each was dropped or dead-lettered. */
  readonly undecodable: number;
  /** `inFlight = waiting + running + settling`. */
  readonly inFlight: number;
  /** In a lane, or waiting for a retry. */
  readonly waiting: number;
  /** With a handler. */
  readonly running: number;
  /** With a settle on its way. */
  readonly settling: number;
  /** In flight, and failed at least once. */
  readonly retrying: number;
  /** In flight, while the run tries again to settle them or to publish their dead letter. Their lanes wait. */
  readonly blocked: number;
  /**
   * `true` if nothing was pulled for 5 seconds because there was no room: failing deliveries and those behind them
   * fill `maxInFlight`, or 1,024 `afterSettle` jobs are unfinished. When it begins, the run reports an
   * `IntakeStalledError`.
   */
  readonly stalled: boolean;
  /** The most that were in flight at once. */
  readonly peakInFlight: number;
  /** Keys with deliveries in flight. */
  readonly lanes: number;
  /** Unfinished `afterSettle` work. At 1,024 the run pulls nothing. */
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
