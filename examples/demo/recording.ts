/** One run of the handler over one line. Times are in milliseconds from the start of the run. */
export interface Attempt {
  /** The worker it ran on, from 0. */
  readonly worker: number;
  readonly package: string;
  readonly line: number;
  readonly startMs: number;
  readonly endMs: number;
  /** How long the handler meant to take. */
  readonly askedMs: number;
  readonly failed: boolean;
}

/** Enough for a picture; a longer run is drawn up to here. */
const most = 20_000;

/** What the handlers did: sums over the whole run, and its first attempts one by one for the timeline. */
export class Recording {
  readonly #attempts: Attempt[] = [];
  readonly #workByPackage = new Map<string, number>();
  #count = 0;
  #workMs = 0;

  add(attempt: Attempt): void {
    const { package: name } = attempt;
    // A busy machine wakes a handler late, and a timer rounds: the lesser of meant and measured flatters nobody.
    const ms = Math.min(attempt.askedMs, attempt.endMs - attempt.startMs);
    this.#count += 1;
    this.#workMs += ms;
    this.#workByPackage.set(name, (this.#workByPackage.get(name) ?? 0) + ms);
    if (this.#attempts.length < most) this.#attempts.push(attempt);
  }

  /** The first attempts, in the order they ended. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** All attempts, also those not kept. */
  get count(): number {
    return this.#count;
  }

  /** The times of all handlers added up: the least the same work takes one after another. */
  get workMs(): number {
    return this.#workMs;
  }

  /** The most time any one package took: no number of workers makes the run shorter than this. */
  get longestMs(): number {
    let longest = 0;
    for (const ms of this.#workByPackage.values()) longest = Math.max(longest, ms);
    return longest;
  }
}
