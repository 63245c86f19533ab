/** A binary min-heap by `sequence`. Pushing in rising order, the usual case, does not move anything. */
export class SequenceHeap<Item extends { readonly sequence: number }> {
  /** Heap order: `items[i].sequence` is below that of `items[2i + 1]` and `items[2i + 2]`. */
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: Item): void {
    const items = this.#items;
    let hole = items.length;
    items.push(item);
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = items[above] as Item;
      if (parent.sequence <= item.sequence) break;
      items[hole] = parent;
      hole = above;
    }
    items[hole] = item;
  }

  pop(): Item | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) this.#sink(last);
    return top;
  }

  #sink(item: Item): void {
    const items = this.#items;
    const count = items.length;
    let hole = 0;
    for (;;) {
      let below = 2 * hole + 1;
      if (below >= count) break;
      const left = items[below] as Item;
      const right = items[below + 1];
      const smaller = right !== undefined && right.sequence < left.sequence ? right : left;
      if (smaller !== left) below += 1;
      if (smaller.sequence >= item.sequence) break;
      items[hole] = smaller;
      hole = below;
    }
    items[hole] = item;
  }
}
