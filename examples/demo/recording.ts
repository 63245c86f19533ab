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

/** Time spent in handlers, added up: as it was meant, and as it was measured. */
class Work {
  #askedMs = 0;
  #measuredMs = 0;

  add({ askedMs, startMs, endMs }: Attempt): void {
    this.#askedMs += askedMs;
    this.#measuredMs += endMs - startMs;
  }

  // A timer wakes a little early or late, and a busy machine wakes it much later: the lesser sum flatters nobody.
  get ms(): number {
    return Math.min(this.#askedMs, this.#measuredMs);
  }
}

/** What the handlers did: sums over the whole run, and its first attempts one by one for the timeline. */
export class Recording {
  readonly #attempts: Attempt[] = [];
  readonly #all = new Work();
  readonly #byPackage = new Map<string, Work>();
  #count = 0;

  add(attempt: Attempt): void {
    const own = this.#byPackage.get(attempt.package) ?? new Work();
    this.#byPackage.set(attempt.package, own);
    own.add(attempt);
    this.#all.add(attempt);
    this.#count += 1;
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

  /** The times of all handlers added up: what the same work takes one after another. */
  get workMs(): number {
    return this.#all.ms;
  }

  /** The most time any one package took: no number of workers makes the run shorter than this. */
  get longestMs(): number {
    let longest = 0;
    for (const work of this.#byPackage.values()) longest = Math.max(longest, work.ms);
    return longest;
  }
}
