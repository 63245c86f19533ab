/** A binary heap: `pop` gives the element that comes `before` all others. */
export class Heap<T extends object> implements Iterable<T> {
  readonly #before: (a: T, b: T) => boolean;
  /** Every element comes before its children, at `2i + 1` and `2i + 2`. */
  #nodes: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#nodes.length;
  }

  peek(): T | undefined {
    return this.#nodes[0];
  }

  push(element: T): void {
    const nodes = this.#nodes;
    let index = nodes.length;
    nodes.push(element);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = nodes[parentIndex];
      if (parent === undefined || !this.#before(element, parent)) break;
      nodes[index] = parent;
      index = parentIndex;
    }
    nodes[index] = element;
  }

  pop(): T | undefined {
    const top = this.#nodes[0];
    const last = this.#nodes.pop();
    if (last !== undefined && this.#nodes.length > 0) this.#sink(last);
    return top;
  }

  clear(): void {
    this.#nodes = [];
  }

  /** In no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#nodes[Symbol.iterator]();
  }

  /** Finds `element` a place from the root down. */
  #sink(element: T): void {
    const nodes = this.#nodes;
    let index = 0;
    for (;;) {
      const leftIndex = 2 * index + 1;
      const left = nodes[leftIndex];
      if (left === undefined) break;
      const right = nodes[leftIndex + 1];
      const rightIsNext = right !== undefined && this.#before(right, left);
      const child = rightIsNext ? right : left;
      if (!this.#before(child, element)) break;
      nodes[index] = child;
      index = rightIsNext ? leftIndex + 1 : leftIndex;
    }
    nodes[index] = element;
  }
}
