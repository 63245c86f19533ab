import { Fifo } from "../../../structures/fifo.ts";
import { Heap } from "../../../structures/heap.ts";
import type { StoredMessage } from "../message/stored-message.ts";
import { Entry, type EntryGroup } from "./entry.ts";

/**
 * What one group has to deliver now, in the order of publish.
 *
 * A message not delivered before costs one slot here; its entry is made when it is taken.
 */
export class GroupQueue {
  readonly #group: EntryGroup;
  readonly #fresh = new Fifo<StoredMessage>();
  /**
   * Delivered before and back again. Every one of them was published before every fresh one, because fresh ones leave
   * from the front only: so all of these come first.
   */
  readonly #returned = new Heap<Entry>((a, b) => a.stored.order < b.stored.order);

  constructor(group: EntryGroup) {
    this.#group = group;
  }

  get size(): number {
    return this.#fresh.size + this.#returned.size;
  }

  /** Published after everything pushed before. */
  push(stored: StoredMessage): void {
    this.#fresh.push(stored);
  }

  /** Back to its place. */
  giveBack(entry: Entry): void {
    this.#returned.push(entry);
  }

  take(): Entry | undefined {
    if (this.#returned.size > 0) return this.#returned.pop();
    const stored = this.#fresh.shift();
    return stored === undefined ? undefined : new Entry(stored, this.#group);
  }

  /** Everything it holds, in no particular order. */
  *messages(): Iterable<StoredMessage> {
    yield* this.#fresh;
    for (const entry of this.#returned) yield entry.stored;
  }

  clear(): void {
    this.#fresh.clear();
    this.#returned.clear();
  }
}
