import { Fifo } from "../../../../structures/fifo.ts";

/** A record as the watermark sees it. */
export interface Slot {
  readonly offset: number;
  /** Settled for good: nobody will ask for it again. */
  done: boolean;
}

/**
 * The commit watermark of one partition: the next offset that is safe to commit, because everything delivered below it
 * is done. It follows the records that were delivered and not their numbers: offsets have holes, where a control record
 * of a transaction stood or compaction removed one.
 */
export class Watermark<S extends Slot = Slot> {
  /** Delivered, in the order of their offsets, from the oldest that is not done on. */
  readonly #slots = new Fifo<S>();
  /** Everything below is delivered, or was never a record. */
  #next: number;
  /** All that were ever delivered, and all that have left `#slots`. Their difference is its size. */
  #delivered = 0;
  #passed = 0;

  constructor(next: number) {
    this.#next = next;
  }

  /** The next offset that is safe to commit. Never goes down. */
  get offset(): number {
    return this.#slots.peek()?.offset ?? this.#next;
  }

  /** Everything below was delivered, or was never a record. */
  get next(): number {
    return this.#next;
  }

  /** How many records were delivered so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** How many of them a commit of `offset` covers. */
  get covered(): number {
    return this.#passed;
  }

  /** A record is delivered for the first time. Its offset is above those of all earlier ones. */
  deliver(slot: S): void {
    if (slot.offset < this.#next) {
      throw new RangeError(`Offset ${slot.offset} was delivered before: the next is ${this.#next}.`);
    }
    this.#slots.push(slot);
    this.#next = slot.offset + 1;
    this.#delivered += 1;
  }

  /** There is no record below `next` that was not delivered. */
  skipTo(next: number): void {
    if (next > this.#next) this.#next = next;
  }

  /** A delivered record is done. Returns whether the watermark moved. */
  settle(slot: S): boolean {
    slot.done = true;
    if (slot !== this.#slots.peek()) return false;
    while (this.#slots.peek()?.done) {
      this.#slots.shift();
      this.#passed += 1;
    }
    return true;
  }

  /** What `offset` would be if `more` were done too. */
  offsetWith(more: ReadonlySet<S>): number {
    for (const slot of this.#slots) if (!slot.done && !more.has(slot)) return slot.offset;
    return this.#next;
  }

  /** What was delivered at or above the watermark, done or not. */
  [Symbol.iterator](): Iterator<S> {
    return this.#slots[Symbol.iterator]();
  }
}
