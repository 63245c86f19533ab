export interface AckPlan {
  /** One ack with `multiple`: this delivery, and every one before it that is not settled. */
  readonly upTo: number | undefined;
  /** Acks of one delivery each. */
  readonly single: readonly number[];
}

/**
 * How to tell the server of `acked` deliveries, in any order. `lowestUnsettled` is the first one it must go on
 * believing unsettled: what comes before it is acked by one frame, what comes after it one by one.
 *
 * n.b. the tag of an ack has to be of a delivery that is not settled, also with `multiple`; hence the highest that was
 * acked, not the one before `lowestUnsettled`.
 */
export function planAcks(acked: readonly number[], lowestUnsettled: number): AckPlan {
  let upTo: number | undefined;
  let covered = 0;
  const single: number[] = [];
  for (const tag of acked) {
    if (tag > lowestUnsettled) {
      single.push(tag);
      continue;
    }
    covered += 1;
    if (upTo === undefined || tag > upTo) upTo = tag;
  }
  return covered > 1 || upTo === undefined
    ? { upTo, single }
    : { upTo: undefined, single: [upTo, ...single] };
}
