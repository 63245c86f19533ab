/**
 * What a subscription promises, as data. Every claim is checked by a law of the conformance harness; a law whose claim
 * is not made shows as "not claimed" in the report.
 */
export interface Capabilities {
  /** "none": the transport has no acknowledgements. `ack()` and `nack({ requeue: false })` resolve and tell nobody. */
  readonly settlement: "ack" | "none";
  /** Whether `nack({ requeue: true })` is honoured. Where not, it rejects with `SettleUnsupportedError`. */
  readonly requeue: boolean;
  /**
   * Who keeps the delay of `nackAfter`: the broker ("native"), the subscriber ("local": its end, or a crash of this
   * process, ends the delay early), or nobody ("none": it is an immediate requeue).
   */
  readonly delayedRequeue: "native" | "local" | "none";
  /** Who counts deliveries: the broker, this process since it subscribed, or nobody (`deliveryCount` is undefined). */
  readonly deliveryCount: "broker" | "process" | "none";
  /** The widest scope whose messages are first delivered in the order they were published. */
  readonly order: "topic" | "partition" | "publisher" | "none";
  /** Whether messages carry a key, so that `byKey` has something to go by. */
  readonly partitionKey: boolean;
  /** Subscriptions of one group share the messages of a topic; different groups get a copy each. */
  readonly groups: boolean;
  /**
   * Which messages published before the subscription opened (for the first time, for a group) are delivered to it: all
   * that the broker still has, those that no subscription has had yet ("unread"), or none.
   */
  readonly backlog: boolean | "unread";
  /** A delivery unsettled for this many milliseconds is revoked and delivered again, unless `keepAlive()` is called. */
  readonly ackDeadlineMs?: number;
  /** The most deliveries this subscription holds unsettled at once; the next waits at the broker. `Infinity`: unbounded. */
  readonly maxInFlight: number;
  /** Whether a dropped message (`nack({ requeue: false })`) is set aside by the broker rather than gone. */
  readonly deadLetter: boolean;
  readonly batches: boolean;
  readonly seek: boolean;
  readonly pause: boolean;
}

/** What a publisher promises, as data. */
export interface PublisherCapabilities {
  /** "broker": `publish` resolves when the broker has the message. "none": it cannot know. */
  readonly confirmation: "broker" | "none";
  /** Whether header values may be bytes. Where "text", bytes reject with `InvalidMessageError`. */
  readonly headerValues: "bytes" | "text";
  /** Whether a header name may occur more than once. Where not, a second one rejects with `InvalidMessageError`. */
  readonly duplicateHeaders: boolean;
  /** The largest payload in bytes; a larger one rejects with `InvalidMessageError`. `Infinity`: no limit of its own. */
  readonly maxPayloadBytes: number;
  readonly transactions: boolean;
  readonly requestReply: boolean;
}
