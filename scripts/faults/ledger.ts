/** One message of a run: the `sequence`-th of its key, from 1, as it was published the `copy`-th time, from 1. */
export interface Copy {
  readonly key: string;
  readonly sequence: number;
  readonly copy: number;
}

/** What a round came to. */
export interface Findings {
  readonly confirmed: number;
  /** Different messages. */
  readonly handled: number;
  /** Confirmed, and handled by nobody: "key 7 #12". */
  readonly lost: readonly string[];
  /** Handled for the first time after a later one of their key was. */
  readonly outOfOrder: readonly string[];
  /** Handled, and never published. */
  readonly invented: readonly string[];
  /** Handlings of a copy that was handled before: the broker delivered it again. */
  readonly repeats: number;
  /** Copies of a message that was handled in another copy before: the publisher had published it again. */
  readonly copies: number;
}

interface KeyState {
  /** Published, at least tried: 1 to this. */
  published: number;
  /** Confirmed: 1 to this, as one key is published one after the other. */
  confirmed: number;
  /** Copies that were tried, by sequence. */
  readonly tried: number[];
  /** Copies that were handled, by sequence: a bit each up to the 30th. */
  readonly seen: number[];
  /** The highest that was handled. */
  highest: number;
}

/** Who published what and who handled what, and whether that is as it should be. Pure: it asks nobody. */
export class Ledger {
  readonly #keys = new Map<string, KeyState>();
  readonly #times: number[] = [];
  readonly #outOfOrder: string[] = [];
  readonly #invented: string[] = [];
  #confirmed = 0;
  #handled = 0;
  #repeats = 0;
  #copies = 0;

  get confirmedCount(): number {
    return this.#confirmed;
  }

  /** Different messages that were handled. */
  get handledCount(): number {
    return this.#handled;
  }

  /** To be called before it is sent. Sequences of a key count up from 1. */
  publishing({ key, sequence, copy }: Copy): void {
    const state = this.#of(key);
    state.published = Math.max(state.published, sequence);
    state.tried[sequence] = copy;
  }

  confirmed(key: string, sequence: number): void {
    const state = this.#of(key);
    if (sequence !== state.confirmed + 1)
      throw new Error(`${name(key, sequence)} was confirmed after #${state.confirmed}.`);
    state.confirmed = sequence;
    this.#confirmed += 1;
  }

  /** To be called in the order of the handlings, with the time of each. */
  handled({ key, sequence, copy }: Copy, atMs: number): void {
    const state = this.#of(key);
    this.#times.push(atMs);
    if (
      !(sequence >= 1 && sequence <= state.published && copy >= 1 && copy <= (state.tried[sequence] ?? 0))
    ) {
      this.#invented.push(name(key, sequence));
      return;
    }
    const bit = 1 << Math.min(copy, 30);
    const seen = state.seen[sequence] ?? 0;
    state.seen[sequence] = seen | bit;
    if (seen & bit) this.#repeats += 1;
    else if (seen > 0) this.#copies += 1;
    else {
      this.#handled += 1;
      if (sequence < state.highest) this.#outOfOrder.push(`${name(key, sequence)} after #${state.highest}`);
      state.highest = Math.max(state.highest, sequence);
    }
  }

  /** Handlings from `fromMs` to `toMs`, repeats included. */
  handledBetween(fromMs: number, toMs: number): number {
    return this.#times.filter((atMs) => atMs >= fromMs && atMs <= toMs).length;
  }

  /** Whether everything that was confirmed was handled. */
  get complete(): boolean {
    return this.#handled >= this.#confirmed && this.#lost().length === 0;
  }

  findings(): Findings {
    return {
      confirmed: this.#confirmed,
      handled: this.#handled,
      lost: this.#lost(),
      outOfOrder: [...this.#outOfOrder],
      invented: [...this.#invented],
      repeats: this.#repeats,
      copies: this.#copies,
    };
  }

  #lost(): string[] {
    const lost: string[] = [];
    for (const [key, { confirmed, seen }] of this.#keys) {
      for (let sequence = 1; sequence <= confirmed; sequence += 1) {
        if (!seen[sequence]) lost.push(name(key, sequence));
      }
    }
    return lost;
  }

  #of(key: string): KeyState {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = { published: 0, confirmed: 0, tried: [], seen: [], highest: 0 };
      this.#keys.set(key, state);
    }
    return state;
  }
}

function name(key: string, sequence: number): string {
  return `key ${key} #${sequence}`;
}
