/** A message that was published, as its handlers get it. */
export interface PublishedMessage<Value> {
  readonly value: Value;
  readonly topic: string;
  readonly key: string | undefined;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How one delivery ended. */
export interface SettledDelivery<Value> {
  /** `undefined` where its payload did not decode. */
  readonly value: Value | undefined;
  readonly outcome: "ack" | "drop" | "dead-letter" | "redeliver" | "by-handler" | "revoked";
  readonly attempts: number;
}

/** One run that failed and is made again. */
export interface RetriedDelivery<Value> {
  readonly value: Value | undefined;
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** A message that was set aside. */
export interface DeadLetter<Value> {
  readonly value: Value | undefined;
  readonly payload: Uint8Array;
  readonly reason: string;
  readonly attempts: number;
  /** Where it was published; undefined where the broker sets it aside. */
  readonly topic: string | undefined;
}
