import type { Lanes, Tally } from "./contract.ts";

/** Counts what a loop takes, and holds it to its promise: each message once, each lane in order. */
export function tallyOf(count: number, lanes: Lanes, watch: TallyWatch = {}): Tally {
  const check = lanes === "any" ? onceEach(count) : inOrder(lanes);
  let finish = (): void => {};
  let fail = (_: Error): void => {};
  const done = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  done.catch(() => undefined);
  const { every = Number.POSITIVE_INFINITY } = watch;
  let taken = 0;
  let nextReport = every;
  return {
    count,
    done,
    take(sequence) {
      if (taken === 0) watch.first?.();
      if (sequence >= count || !check(sequence)) {
        const error = new Error(
          `Message ${sequence} of ${count} came out of order or twice, after ${taken}.`,
        );
        fail(error);
        throw error;
      }
      taken += 1;
      if (taken === nextReport) {
        nextReport += every;
        watch.taken?.(taken);
      }
      if (taken < count) return;
      watch.last?.();
      finish();
    },
  };
}

export interface TallyWatch {
  readonly first?: () => void;
  readonly last?: () => void;
  readonly every?: number;
  readonly taken?: (taken: number) => void;
}

function inOrder(lanes: number): (sequence: number) => boolean {
  const next = Float64Array.from({ length: lanes }, (_, lane) => lane);
  return (sequence) => {
    const lane = sequence % lanes;
    if (next[lane] !== sequence) return false;
    next[lane] = sequence + lanes;
    return true;
  };
}

function onceEach(count: number): (sequence: number) => boolean {
  const seen = new Uint8Array(count);
  return (sequence) => {
    if (seen[sequence] !== 0) return false;
    seen[sequence] = 1;
    return true;
  };
}
