import { Fifo } from "../../structures/fifo.ts";

/** Deliveries that nobody has taken yet, in order. Returned ones come first, in the order they had. */
export class DeliveryQueue<T extends object> {
  readonly #messages = new Fifo<T>();
  /** In reverse: the last one is delivered first. */
  readonly #returned: T[] = [];

  get size(): number {
    return this.#messages.size + this.#returned.length;
  }

  push(message: T): void {
    this.#messages.push(message);
  }

  giveBack(messages: readonly T[]): void {
    this.#returned.push(...messages.toReversed());
  }

  shift(): T | undefined {
    return this.#returned.pop() ?? this.#messages.shift();
  }

  /** Takes at most `max` deliveries. Drops those that are not live. */
  take(max: number, isLive: (message: T) => boolean): T[] {
    const taken: T[] = [];
    while (taken.length < max) {
      const message = this.shift();
      if (message === undefined) break;
      if (isLive(message)) taken.push(message);
    }
    return taken;
  }

  clear(): void {
    this.#messages.clear();
    this.#returned.length = 0;
  }
}
