import { LinkedList } from "../structures/linked-list.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";

/** Everything delivered to this run and not yet left, oldest first. */
export class InFlight<M extends Message, Value> implements Iterable<Delivery<M, Value>> {
  readonly #list = new LinkedList<Delivery<M, Value>>();
  /** The largest size there was. */
  #peak = 0;

  get size(): number {
    return this.#list.size;
  }

  get peak(): number {
    return this.#peak;
  }

  add(delivery: Delivery<M, Value>): void {
    this.#list.append(delivery);
    if (this.#list.size > this.#peak) this.#peak = this.#list.size;
  }

  remove(delivery: Delivery<M, Value>): void {
    this.#list.remove(delivery);
  }

  replace(delivery: Delivery<M, Value>, successor: Delivery<M, Value>): void {
    this.#list.replace(delivery, successor);
  }

  /** Those that are in flight now, whatever leaves while they are looked at. */
  [Symbol.iterator](): Iterator<Delivery<M, Value>> {
    return this.#list.toArray()[Symbol.iterator]();
  }
}
