import { SettleUnsupportedError } from "../../../traits/errors.ts";
import { type MessageHeaders, partitionKeyIn } from "../../../traits/headers.ts";
import { Message } from "../../../traits/message.ts";
import type { Positioned } from "../../../traits/subscriber.ts";
import type { Reply } from "../client.ts";
import { type EntryContent, readFields, type StreamEntry } from "./fields.ts";

/** Tells the server what became of a delivery. */
export interface Settler {
  ack(message: RedisMessage): void;
  drop(message: RedisMessage): Promise<void> | void;
  requeue(message: RedisMessage, delayMs: number): Promise<void>;
  keepAlive(message: RedisMessage): Promise<void>;
}

/** What the server says of a delivery. */
export interface DeliveredEntry extends StreamEntry {
  readonly deliveryCount: number;
}

/** What a subscription does to a delivery, and nobody outside this folder can. */
export interface DeliveryControl {
  revoke(message: RedisMessage, reason: string, cause?: unknown): void;
}

export let deliveries: DeliveryControl;

/** One delivery of an entry of a stream. */
export class RedisMessage extends Message implements Positioned<string> {
  readonly topic: string;
  /** The id of the entry: where it stands in its stream. */
  readonly position: string;
  readonly #deliveryCount: number;
  readonly #settler: Settler;
  readonly #fields: readonly Reply[];
  #content: EntryContent | undefined;

  static {
    deliveries = { revoke: (message, reason, cause) => message.revoke(reason, cause) };
  }

  constructor(stream: string, entry: DeliveredEntry, settler: Settler) {
    super();
    this.topic = stream;
    this.position = entry.id;
    this.#deliveryCount = entry.deliveryCount;
    this.#fields = entry.fields;
    this.#settler = settler;
  }

  get payload(): Uint8Array {
    return this.#read().payload;
  }

  /** Every field of the entry but the payload. Values that are UTF-8 are text. */
  get headers(): MessageHeaders {
    return this.#read().headers;
  }

  override get partitionKey(): string | undefined {
    return partitionKeyIn(this.headers);
  }

  override get deliveryCount(): number {
    return this.#deliveryCount;
  }

  protected override sendAck(): void {
    this.#settler.ack(this);
  }

  protected override sendNack(requeue: boolean): Promise<void> | void {
    return requeue ? this.#settler.requeue(this, 0) : this.#settler.drop(this);
  }

  protected override sendNackAfter(delayMs: number): Promise<void> {
    return this.#settler.requeue(this, delayMs);
  }

  protected override sendKeepAlive(): Promise<void> {
    return this.#settler.keepAlive(this);
  }

  #read(): EntryContent {
    this.#content ??= readFields(this.#fields);
    return this.#content;
  }
}

/** The answer to a request. There is nothing to settle: `ack()` and a drop resolve, a requeue is refused. */
export class RedisReply extends Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;

  constructor(topic: string, { payload, headers }: EntryContent) {
    super();
    this.topic = topic;
    this.payload = payload;
    this.headers = headers;
  }

  override get partitionKey(): string | undefined {
    return partitionKeyIn(this.headers);
  }

  protected override sendAck(): void {}

  protected override sendNack(requeue: boolean): void {
    if (!requeue) return;
    throw new SettleUnsupportedError({
      topic: this.topic,
      settle: "nack({ requeue: true })",
      reason: "a reply stands in no stream to go back to",
    });
  }
}
