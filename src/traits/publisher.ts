import type { PublisherCapabilities } from "./capabilities.ts";
import type { HeadersInit } from "./headers.ts";
import type { Message } from "./message.ts";

/** A message to publish. */
export interface OutgoingMessage {
  /** Where to publish it: a subject, a topic, a queue or a routing key. Not empty, and without wildcards. */
  readonly topic: string;
  /** Bytes, or text that is sent as UTF-8. tidelane does not copy the bytes, so do not change them afterwards. */
  readonly payload: Uint8Array | string;
  /** A record, or pairs if a name repeats. */
  readonly headers?: HeadersInit;
  /** Messages of one key stay in order. It travels as the record key, or in a header. */
  readonly key?: string;
}

/** Options of one publish. */
export interface PublishOptions {
  /** Stops waiting for the confirmation when it aborts. The broker may have the message all the same. */
  readonly signal?: AbortSignal;
}

/**
 * Publishes on one connection. Calls may overlap. The calls of one publisher, requests among them, reach the broker
 * in the order you made them. Two publishers have no order between them. To put one after the other, wait for the
 * confirmation of the first.
 *
 * If the transport cannot carry a message exactly, the call rejects with `InvalidMessageError`, and nothing is
 * sent. After the connection is closed, every call rejects with `ConnectionClosedError`.
 */
export interface Publisher {
  readonly capabilities: PublisherCapabilities;
  /**
   * Resolves when the broker has the message, if `capabilities.confirmation` is "broker". If it rejects with
   * `PublishFailedError` or `AbortedError`, the broker may have the message all the same.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void>;
  /**
   * Optional. Asks the broker whether it would take a message for `topic` now. Rejects as `publish` would: if the
   * queue, stream or topic is missing, with a `PublishFailedError` that is not retryable. A pipeline asks it for
   * its dead letter topic before the first delivery.
   */
  checkTopic?(topic: string, options?: PublishOptions): Promise<void>;
}

/** A publisher that can make several messages visible together. */
export interface TransactionalPublisher extends Publisher {
  /**
   * Runs `work` with a publisher of its own. When `work` resolves, all its messages become visible, in order. When
   * it throws, none does, and the error is rethrown. Inside, `publish` resolves when the message is part of the
   * transaction. After the end, the inner publisher rejects with `TransactionError`.
   */
  transaction<T>(work: (publisher: Publisher) => Promise<T>, options?: PublishOptions): Promise<T>;
}

/** Options of one request. */
export interface RequestOptions {
  /** How long to wait for the reply, in milliseconds. Then it rejects with `TimeoutError`. */
  readonly timeoutMs: number;
  /** Stops waiting for the reply when it aborts. */
  readonly signal?: AbortSignal;
}

/** A publisher that can wait for the reply to a message. */
export interface RequestReply extends Publisher {
  /**
   * Publishes the message with a `reply-to` header, and resolves with the first reply. A later reply answers no
   * other request. A reply has nothing to settle: `ack()` and a drop resolve, and a requeue rejects with
   * `SettleUnsupportedError`.
   */
  request(message: OutgoingMessage, options: RequestOptions): Promise<Message>;
}
