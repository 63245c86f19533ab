/**
 * What a subscription promises, as data. A law of the conformance harness checks each claim. If a claim is not
 * made, the report says "not claimed" for its laws.
 */
export interface Capabilities {
  /** "none": the transport has no acks. Then `ack()` and `nack({ requeue: false })` resolve, and nothing is sent. */
  readonly settlement: "ack" | "none";
  /** Whether `nack({ requeue: true })` works. Otherwise it rejects with `SettleUnsupportedError`. */
  readonly requeue: boolean;
  /**
   * Who keeps the delay of `nackAfter`. "native": the broker. "local": this process, so the delay ends early if the
   * subscription closes or the process dies. "none": nobody, so it requeues at once.
   */
  readonly delayedRequeue: "native" | "local" | "none";
  /**
   * Who counts deliveries: the broker; this process, since it subscribed; or nobody, and then `deliveryCount` is
   * undefined.
   */
  readonly deliveryCount: "broker" | "process" | "none";
  /** The widest scope in which first deliveries come in the order of the publishes. */
  readonly order: "topic" | "partition" | "publisher" | "none";
  /** Whether messages carry a key, for `byKey`. */
  readonly partitionKey: boolean;
  /** Whether subscriptions of one group share the messages of a topic, and each group gets all of them. */
  readonly groups: boolean;
  /**
   * Which earlier messages a subscription gets when it opens, or a group when it opens for the first time. `true`:
   * all that the broker still has. "unread": those that no subscription has had. `false`: none.
   */
  readonly backlog: boolean | "unread";
  /**
   * If a delivery stays unsettled for this many milliseconds, it is revoked and delivered again. `keepAlive()`
   * starts the time afresh.
   */
  readonly ackDeadlineMs?: number;
  /**
   * The most deliveries that the subscription holds unsettled; further messages wait at the broker. `Infinity`: no
   * limit.
   */
  readonly maxInFlight: number;
  /** Whether the broker sets a dropped message aside. Otherwise it is gone. */
  readonly deadLetter: boolean;
  /** Whether the subscriber has `batches()`. */
  readonly batches: boolean;
  /** Whether the subscriber has `seek()`. */
  readonly seek: boolean;
  /** Whether the subscriber has `pause()` and `resume()`. */
  readonly pause: boolean;
}

/** What a publisher promises, as data. */
export interface PublisherCapabilities {
  /** "broker": `publish` resolves when the broker has the message. "none": it resolves when the message is sent. */
  readonly confirmation: "broker" | "none";
  /** "text": a header value in bytes rejects with `InvalidMessageError`. */
  readonly headerValues: "bytes" | "text";
  /** Whether a header name may occur twice. Otherwise the second one rejects with `InvalidMessageError`. */
  readonly duplicateHeaders: boolean;
  /** A larger payload rejects with `InvalidMessageError`. `Infinity`: the publisher has no limit. */
  readonly maxPayloadBytes: number;
  /** Whether the publisher has `transaction()`. */
  readonly transactions: boolean;
  /** Whether the publisher has `request()`. */
  readonly requestReply: boolean;
}
