import { type Deferred, deferred } from "../../../traits/deferred.ts";
import type { JetStreamMessage } from "../message/message.ts";

interface LateSettle {
  readonly message: JetStreamMessage;
  readonly answer: Uint8Array;
  readonly told: Deferred<void>;
}

/** Settles that were made while the consumer was out of reach. They are sent when it is found again, if the delivery still stands. */
export class LateSettles {
  #held: LateSettle[] = [];

  hold(message: JetStreamMessage, answer: Uint8Array): Promise<void> {
    const told = deferred<void>();
    this.#held.push({ message, answer, told });
    return told.promise;
  }

  /** Rejects those of deliveries that are lost. */
  sweep(): void {
    if (this.#held.length === 0) return;
    const lost = this.#held.filter(({ message }) => message.lost !== undefined);
    this.#held = this.#held.filter(({ message }) => message.lost === undefined);
    for (const { message, told } of lost) told.reject(message.lost);
  }

  /** Sends what is left, in order. */
  send(settle: (message: JetStreamMessage, answer: Uint8Array) => void): void {
    this.sweep();
    const held = this.#held;
    this.#held = [];
    for (const { message, answer, told } of held) {
      try {
        settle(message, answer);
        told.resolve();
      } catch (error) {
        told.reject(error);
      }
    }
  }
}
