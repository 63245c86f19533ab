import type { PublisherCapabilities } from "./capabilities.ts";
import type { HeadersInit } from "./headers.ts";
import type { Message } from "./message.ts";

/** What is published. */
export interface OutgoingMessage {
  /** A concrete name: no wildcard, not empty. */
  readonly topic: string;
  /** Bytes, or text sent as UTF-8. Kept, not copied: do not modify it afterwards. */
  readonly payload: Uint8Array | string;
  readonly headers?: HeadersInit;
  /** Messages of one key stay in order. Travels as the record key, or as the `partition-key` header. */
  readonly key?: string;
}

export interface PublishOptions {
  readonly signal?: AbortSignal;
}

/**
 * Publishes on one connection. Calls may overlap; the calls of one publisher, requests among them, reach the broker in the
 * order they were made. Two publishers have no order between them, until a publish of one was confirmed.
 *
 * What the transport cannot carry exactly rejects with `InvalidMessageError`, and nothing is sent. After `close()` every
 * call rejects with `ConnectionClosedError`.
 */
export interface Publisher {
  readonly capabilities: PublisherCapabilities;
  /**
   * Resolves when the broker has the message (`capabilities.confirmation` is "broker"). A rejected publish may have
   * reached the broker, unless the error is one that says nothing was sent.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void>;
  /**
   * Optional: asks the broker whether a message for `topic` would find a place now. Rejects with the error that `publish`
   * would reject with: `PublishFailedError`, not retryable, where the queue, stream or topic is missing. A pipeline asks it
   * of a dead letter topic before the first delivery.
   */
  checkTopic?(topic: string, options?: PublishOptions): Promise<void>;
}

/** A publisher that can make several messages visible together. */
export interface TransactionalPublisher extends Publisher {
  /**
   * Runs `work` with a publisher of its own. When it resolves, all it published becomes visible, in order; when it
   * throws, none of it does and the error is rethrown. Inside, `publish` resolves when the message is part of the
   * transaction. The inner publisher rejects with `TransactionError` afterwards.
   */
  transaction<T>(work: (publisher: Publisher) => Promise<T>, options?: PublishOptions): Promise<T>;
}

export interface RequestOptions {
  /** Milliseconds to wait for the reply; then `TimeoutError`. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A publisher that can wait for the answer to one message. */
export interface RequestReply extends Publisher {
  /**
   * Publishes with a `reply-to` header and resolves with the first reply that comes there. A reply after the timeout
   * answers no other request. The reply has nothing to settle: `ack()` and a drop resolve, a requeue rejects with
   * `SettleUnsupportedError`.
   */
  request(message: OutgoingMessage, options: RequestOptions): Promise<Message>;
}
