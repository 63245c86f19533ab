import type { Sample } from "./contract.ts";

/** Of one loop, over its rounds. */
export interface Summary {
  /** Messages a second. */
  readonly best: number;
  readonly median: number;
  readonly worst: number;
  /** Microseconds of processor time for a message, the median. */
  readonly cpuUs: number;
  /** The median share of the time in which the event loop was not waiting. */
  readonly utilisation: number;
}

/** One loop against another, round by round. Above 1 is faster, or cheaper, than the other. */
export interface Ratio {
  readonly ofMedians: number;
  /** The lowest, the median and the highest of the pairs. */
  readonly low: number;
  readonly median: number;
  readonly high: number;
  /** "indistinguishable": the pairs do not agree on who is ahead. */
  readonly verdict: "ahead" | "behind" | "indistinguishable";
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("There is no median of nothing.");
  return (lower + upper) / 2;
}

export function rateOf({ messages, wallMs }: Sample): number {
  return (messages * 1000) / wallMs;
}

export function cpuUsOf({ messages, cpuMs }: Sample): number {
  return (cpuMs * 1000) / messages;
}

export function summarise(samples: readonly Sample[]): Summary {
  const rates = samples.map(rateOf);
  return {
    best: Math.max(...rates),
    median: median(rates),
    worst: Math.min(...rates),
    cpuUs: median(samples.map(cpuUsOf)),
    utilisation: median(samples.map(({ utilisation }) => utilisation)),
  };
}

/** `ours[i]` and `theirs[i]` were measured one after the other. Values are such that more is better. */
export function compare(ours: readonly number[], theirs: readonly number[]): Ratio {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} rounds against ${theirs.length}.`);
  const pairs = ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
  const low = Math.min(...pairs);
  const high = Math.max(...pairs);
  const verdict = low > 1 ? "ahead" : high < 1 ? "behind" : "indistinguishable";
  return { ofMedians: median(ours) / median(theirs), low, median: median(pairs), high, verdict };
}

/** Below this the loop waited: for the socket, and so for the broker or the publisher. */
export const busyFrom = 0.9;

export function waits({ utilisation }: Pick<Summary, "utilisation">): boolean {
  return utilisation < busyFrom;
}
