/** The links that an element carries. It is in one list at a time. */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined;
  next: T | undefined;
  /** The list that it is in now. */
  list: LinkedList<T> | undefined;
}

/** A list whose elements carry their own links, so that each can leave it in constant time. */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined = undefined;
  #last: T | undefined = undefined;
  #size = 0;

  get first(): T | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  append(element: T): void {
    element.list = this;
    element.previous = this.#last;
    element.next = undefined;
    if (this.#last === undefined) this.#first = element;
    else this.#last.next = element;
    this.#last = element;
    this.#size += 1;
  }

  /** Removes the element. Does nothing if it is not in this list. */
  remove(element: T): void {
    if (element.list !== this) return;
    if (element.previous === undefined) this.#first = element.next;
    else element.previous.next = element.next;
    if (element.next === undefined) this.#last = element.previous;
    else element.next.previous = element.previous;
    element.list = undefined;
    element.previous = undefined;
    element.next = undefined;
    this.#size -= 1;
  }

  /** Puts `successor`, which is in no list, in the place of `element`. */
  replace(element: T, successor: T): void {
    const { previous, next } = element;
    successor.list = this;
    successor.previous = previous;
    successor.next = next;
    if (previous === undefined) this.#first = successor;
    else previous.next = successor;
    if (next === undefined) this.#last = successor;
    else next.previous = successor;
    element.list = undefined;
    element.previous = undefined;
    element.next = undefined;
  }

  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** A copy, to iterate while elements leave. */
  toArray(): T[] {
    const elements: T[] = [];
    for (let element = this.#first; element !== undefined; element = element.next) elements.push(element);
    return elements;
  }
}
