const chunkSize = 1024;

/** How many slots to keep when the queue is empty, so that a queue that fills and empties allocates nothing. */
const keptSlots = 32;

class Chunk<T> {
  readonly slots: (T | undefined)[] = [];
  next: Chunk<T> | undefined = undefined;
}

/**
 * First in, first out, in linked chunks. Pushing and shifting cost the same at any size, and nothing is copied. An
 * empty chunk of more than 32 slots is freed at once.
 */
export class Fifo<T extends object> implements Iterable<T> {
  #first: Chunk<T> = new Chunk();
  #last: Chunk<T> = this.#first;
  /** The slot in `#first` of the oldest element. Slots before it are cleared. */
  #head = 0;
  /** The slot in `#last` for the next element. */
  #tail = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(element: T): void {
    if (this.#tail === chunkSize) {
      const chunk = new Chunk<T>();
      this.#last.next = chunk;
      this.#last = chunk;
      this.#tail = 0;
    }
    this.#last.slots[this.#tail] = element;
    this.#tail += 1;
    this.#size += 1;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const { slots, next } = this.#first;
    const element = slots[this.#head];
    slots[this.#head] = undefined;
    this.#head += 1;
    this.#size -= 1;
    if (this.#size === 0) {
      if (slots.length > keptSlots) slots.length = 0;
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head === chunkSize && next !== undefined) {
      this.#first = next;
      this.#head = 0;
    }
    return element;
  }

  peek(): T | undefined {
    return this.#first.slots[this.#head];
  }

  clear(): void {
    this.#first = new Chunk();
    this.#last = this.#first;
    this.#head = 0;
    this.#tail = 0;
    this.#size = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    let index = this.#head;
    for (let chunk: Chunk<T> | undefined = this.#first; chunk !== undefined; chunk = chunk.next) {
      for (; index < chunk.slots.length; index += 1) {
        const element = chunk.slots[index];
        if (element !== undefined) yield element;
      }
      index = 0;
    }
  }
}
