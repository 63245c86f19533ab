import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";

/**
 * Everything delivered to this run and not yet left, oldest first: a linked list through the deliveries, so that adding
 * and removing cost the same however many there are.
 */
export class InFlight<M extends Message, Value> implements Iterable<Delivery<M, Value>> {
  #first: Delivery<M, Value> | undefined;
  #last: Delivery<M, Value> | undefined;
  /** Length of the list. */
  #size = 0;
  /** The largest `#size` there was. */
  #peak = 0;

  get size(): number {
    return this.#size;
  }

  get peak(): number {
    return this.#peak;
  }

  add(delivery: Delivery<M, Value>): void {
    delivery.previous = this.#last;
    if (this.#last) this.#last.next = delivery;
    else this.#first = delivery;
    this.#last = delivery;
    this.#size += 1;
    if (this.#size > this.#peak) this.#peak = this.#size;
  }

  remove(delivery: Delivery<M, Value>): void {
    const { previous, next } = delivery;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    delivery.previous = undefined;
    delivery.next = undefined;
    this.#size -= 1;
  }

  /** Those that are in the list now, whatever is removed while they are looked at. */
  [Symbol.iterator](): Iterator<Delivery<M, Value>> {
    const all: Delivery<M, Value>[] = [];
    for (let delivery = this.#first; delivery; delivery = delivery.next) all.push(delivery);
    return all[Symbol.iterator]();
  }
}
