/** A message that the app published, as its handlers get it. */
export interface PublishedMessage<Value> {
  readonly value: Value;
  readonly topic: string;
  readonly key: string | undefined;
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How one delivery ended. */
export interface SettledDelivery<Value> {
  /** `undefined` if the payload did not decode. */
  readonly value: Value | undefined;
  readonly outcome: "ack" | "drop" | "dead-letter" | "redeliver" | "by-handler" | "revoked";
  readonly attempts: number;
}

/** One failed run, after which the handler runs again. */
export interface RetriedDelivery<Value> {
  readonly value: Value | undefined;
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** A message that was dead-lettered. */
export interface DeadLetter<Value> {
  readonly value: Value | undefined;
  readonly payload: Uint8Array;
  readonly reason: string;
  readonly attempts: number;
  /** The topic that it was published to; undefined if the broker dead-letters by itself. */
  readonly topic: string | undefined;
}
