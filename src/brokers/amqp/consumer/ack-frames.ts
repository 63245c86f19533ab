export interface AckFrames {
  /** One ack with `multiple`: this delivery, and every unacked one before it. */
  readonly upTo: number | undefined;
  /** Acks of one delivery each. */
  readonly single: readonly number[];
}

/**
 * The frames that ack the deliveries in `acked`, which is in any order. `lowestUnacked` is the first delivery that stays
 * unacked: those before it are acked by one frame, those after it one by one.
 *
 * The server refuses an ack of a tag that it knows as acked, also with `multiple`. So that frame has the highest tag of
 * `acked`, and not the one before `lowestUnacked`.
 */
export function ackFrames(acked: readonly number[], lowestUnacked: number): AckFrames {
  let upTo: number | undefined;
  let covered = 0;
  const single: number[] = [];
  for (const tag of acked) {
    if (tag > lowestUnacked) {
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
