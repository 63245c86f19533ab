import { Fifo } from "../../../structures/fifo.ts";
import type { AmqpMessage } from "../message/message.ts";

/** Deliveries that nobody has taken yet. The prefetch of the channel bounds them. */
export class Inbox {
  readonly #messages = new Fifo<AmqpMessage>();
  /** Given back by whoever took them. They come before all others, in this order. */
  #first: AmqpMessage[] = [];

  push(message: AmqpMessage): void {
    this.#messages.push(message);
  }

  giveBack(messages: readonly AmqpMessage[]): void {
    this.#first = [...messages, ...this.#first];
  }

  /** Skips lost deliveries, because the server delivers them again. */
  take(max: number): AmqpMessage[] {
    const taken: AmqpMessage[] = [];
    while (taken.length < max) {
      const message = this.#first.shift() ?? this.#messages.shift();
      if (message === undefined) break;
      if (message.lost === undefined) taken.push(message);
    }
    return taken;
  }

  clear(): void {
    this.#first = [];
    this.#messages.clear();
  }
}
