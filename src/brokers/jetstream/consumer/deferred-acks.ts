import { type Deferred, deferred } from "../../../traits/deferred.ts";
import type { JetStreamMessage } from "../message/message.ts";

interface DeferredAck {
  readonly message: JetStreamMessage;
  readonly ack: Uint8Array;
  readonly settled: Deferred<void>;
}

/** Acks and naks that wait while the consumer is out of reach. They are sent when it is found again, unless the delivery is revoked. */
export class DeferredAcks {
  #deferred: DeferredAck[] = [];

  defer(message: JetStreamMessage, ack: Uint8Array): Promise<void> {
    const settled = deferred<void>();
    this.#deferred.push({ message, ack, settled });
    return settled.promise;
  }

  /** Rejects those of deliveries that are revoked. */
  rejectRevoked(): void {
    if (this.#deferred.length === 0) return;
    const revoked = this.#deferred.filter(({ message }) => message.revoked !== undefined);
    this.#deferred = this.#deferred.filter(({ message }) => message.revoked === undefined);
    for (const { message, settled } of revoked) settled.reject(message.revoked);
  }

  /** Sends what is left, in order. */
  send(settle: (message: JetStreamMessage, ack: Uint8Array) => void): void {
    this.rejectRevoked();
    const held = this.#deferred;
    this.#deferred = [];
    for (const { message, ack, settled } of held) {
      try {
        settle(message, ack);
        settled.resolve();
      } catch (error) {
        settled.reject(error);
      }
    }
  }
}
