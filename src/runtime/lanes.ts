import { Fifo } from "../structures/fifo.ts";
import { Heap } from "../structures/heap.ts";

/** One key's entries: a chain, whose head is out or runnable. */
export interface Lane<Entry> {
  /** The last of them. */
  tail: Entry;
}

/** What the lanes hold. The links are theirs. */
export interface LaneEntry {
  /** Order of arrival; unique. */
  readonly sequence: number;
  /** Lane of this entry; `undefined` has none and excludes nobody. */
  readonly key: string | undefined;
  /** The entry behind this one in its lane. */
  behind: this | undefined;
  /** Its lane, from `add` until `finish`; `undefined` without a key. */
  lane: Lane<this> | undefined;
}

/**
 * Lanes: deliveries of one key, strictly one after another, different keys side by side.
 *
 * A lane exists while its key has entries: from `add` until the last of them is `finish`ed. Its head is either runnable
 * or was handed out by `take`; nothing else of the lane is. So at most one entry of a key is out at a time, and the
 * oldest entry that may run is the first of `#arrived` or of `#released`. Cost does not depend on the number of live keys.
 */
export class Lanes<Entry extends LaneEntry> {
  /**
   * The live lanes by key. The map is asked once an entry, and written when a lane begins or ends: both cost as much as
   * all else that lanes do.
   */
  readonly #lanes = new Map<string, Lane<Entry>>();
  /** Runnable since they were added, in order of arrival. Most entries are, and a queue costs less than a heap. */
  readonly #arrived = new Fifo<Entry>();
  /** Runnable again, or since the one before them was finished. */
  readonly #released = new Heap<Entry>((a, b) => a.sequence < b.sequence);

  /** Number of keys that have entries. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Entries are added in the order of their sequence. */
  add(entry: Entry): void {
    if (entry.key !== undefined) {
      const lane = this.#lanes.get(entry.key);
      if (lane !== undefined) {
        entry.lane = lane;
        lane.tail.behind = entry;
        lane.tail = entry;
        return;
      }
      entry.lane = { tail: entry };
      this.#lanes.set(entry.key, entry.lane);
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

  /** `successor` takes the place of an entry taken before. */
  replace(entry: Entry, successor: Entry): void {
    successor.behind = entry.behind;
    successor.lane = entry.lane;
    if (successor.lane?.tail === entry) successor.lane.tail = successor;
    entry.behind = undefined;
    entry.lane = undefined;
  }

  /** The entry taken before is over: the next of its lane may run. */
  finish(entry: Entry): void {
    const { key, lane } = entry;
    if (key === undefined || lane === undefined) return;
    const next = entry.behind;
    entry.behind = undefined;
    entry.lane = undefined;
    if (next !== undefined) this.#released.push(next);
    else this.#lanes.delete(key);
  }
}
