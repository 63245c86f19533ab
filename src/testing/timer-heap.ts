/** What the heap orders: earliest `due` first, and of those the one made first. */
export interface HeapEntry {
  readonly due: number;
  readonly sequence: number;
  /** Where the entry stands in the heap, kept by it; -1 while it is not in one. */
  position: number;
}

/** A binary heap whose entries know their place, so that taking one out costs as little as putting one in. */
export class TimerHeap<E extends HeapEntry> {
  /** Every parent is before its two children, and `entries[i].position === i`. */
  readonly #entries: E[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The entry that is next, left where it is. */
  peek(): E | undefined {
    return this.#entries[0];
  }

  add(entry: E): void {
    this.#entries.push(entry);
    this.#up(entry, this.#entries.length - 1);
  }

  /** Takes `entry` out; does nothing when it is not in this heap. */
  remove(entry: E): void {
    const position = entry.position;
    if (this.#entries[position] !== entry) return;
    entry.position = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#up(last, position);
    this.#down(last, last.position);
  }

  #up(entry: E, from: number): void {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#entries[above];
      if (parent === undefined || before(parent, entry)) break;
      this.#place(parent, position);
      position = above;
    }
    this.#place(entry, position);
  }

  #down(entry: E, from: number): void {
    let position = from;
    for (;;) {
      const child = this.#earlierChild(position);
      if (child === undefined || before(entry, child)) break;
      const next = child.position;
      this.#place(child, position);
      position = next;
    }
    this.#place(entry, position);
  }

  #earlierChild(position: number): E | undefined {
    const left = this.#entries[2 * position + 1];
    const right = this.#entries[2 * position + 2];
    if (left === undefined || right === undefined) return left;
    return before(right, left) ? right : left;
  }

  #place(entry: E, position: number): void {
    this.#entries[position] = entry;
    entry.position = position;
  }
}

function before(a: HeapEntry, b: HeapEntry): boolean {
  return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
}
