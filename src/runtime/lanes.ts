import { Fifo } from "../structures/fifo.ts";
import { Heap } from "../structures/heap.ts";

/** What the lanes hold. The link is theirs: a lane is a chain of entries. */
export interface LaneEntry {
  /** Order of arrival; unique. */
  readonly sequence: number;
  /** Lane of this entry; `undefined` has none and excludes nobody. */
  readonly key: string | undefined;
  /** The entry behind this one in its lane. */
  behind: this | undefined;
}

/**
 * Lanes: deliveries of one key, strictly one after another, different keys side by side.
 *
 * A lane exists while its key has entries: from `add` until the last of them is `finish`ed. Its head is either runnable
 * or was handed out by `take`; nothing else of the lane is. So at most one entry of a key is out at a time, and the
 * oldest entry that may run is the first of `#arrived` or of `#released`. Cost does not depend on the number of live keys.
 */
export class Lanes<Entry extends LaneEntry> {
  /** The last entry of each live lane, by key. Its head is found through the chain, never through the map. */
  readonly #tails = new Map<string, Entry>();
  /** Runnable since they were added, in order of arrival. Most entries are, and a queue costs less than a heap. */
  readonly #arrived = new Fifo<Entry>();
  /** Runnable again, or since the one before them was finished. */
  readonly #released = new Heap<Entry>((a, b) => a.sequence < b.sequence);

  /** Number of keys that have entries. */
  get size(): number {
    return this.#tails.size;
  }

  /** Entries are added in the order of their sequence. */
  add(entry: Entry): void {
    if (entry.key !== undefined) {
      const tail = this.#tails.get(entry.key);
      this.#tails.set(entry.key, entry);
      if (tail !== undefined) {
        tail.behind = entry;
        return;
      }
    }
    this.#arrived.push(entry);
  }

  /** The oldest runnable entry. Its lane stands still until `finish` or `again`. */
  take(): Entry | undefined {
    const arrived = this.#arrived.peek();
    const released = this.#released.peek();
    if (released === undefined) return this.#arrived.shift();
    return arrived !== undefined && arrived.sequence < released.sequence
      ? this.#arrived.shift()
      : this.#released.pop();
  }

  /** The entry taken before may run again; still ahead of all that came later with its key. */
  again(entry: Entry): void {
    this.#released.push(entry);
  }

  /** The entry taken before is over: the next of its lane may run. */
  finish(entry: Entry): void {
    if (entry.key === undefined) return;
    const next = entry.behind;
    entry.behind = undefined;
    if (next !== undefined) this.#released.push(next);
    else if (this.#tails.get(entry.key) === entry) this.#tails.delete(entry.key);
  }
}
