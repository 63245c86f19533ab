import { Fifo } from "../../../structures/fifo.ts";
import type { AmqpMessage } from "../message/message.ts";

/** What the server has sent ahead, at most `maxInFlight` of it, and nobody was given yet. */
export class Inbox {
  readonly #messages = new Fifo<AmqpMessage>();
  /** Taken once and not handed out after all: before all others, in this order. */
  #first: AmqpMessage[] = [];

  push(message: AmqpMessage): void {
    this.#messages.push(message);
  }

  giveBack(messages: readonly AmqpMessage[]): void {
    this.#first = [...messages, ...this.#first];
  }

  /** n.b. what was lost meanwhile comes again, and is passed over. */
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
