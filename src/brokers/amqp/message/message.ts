import { DeliveryRevokedError, SettleUnsupportedError } from "../../../traits/errors.ts";
import { headerNames, type MessageHeaders, partitionKeyIn, retryCountIn } from "../../../traits/headers.ts";
import { Message } from "../../../traits/message.ts";
import { reportError } from "../../shared/error-report.ts";
import type { AmqpProperties, ClientMessage } from "../client.ts";
import { bytesOf, readHeaders, topicOf } from "./headers.ts";

/** Tells the server what became of a delivery, by its delivery tag, on the channel that delivered it. */
export interface Acknowledger {
  ack(deliveryTag: number): void;
  reject(deliveryTag: number, requeue: boolean): void;
  /** Requeues the delivery after `delayMs`; until then it stays unacked. */
  requeueAfter(deliveryTag: number, delayMs: number): void;
}

/** What a subscription knows of all its messages. */
export interface MessageContext {
  /** Whether its queue counts deliveries. */
  readonly counts: boolean;
  /**
   * Puts a copy where it waits for at least `delayMs`, confirmed, and says on it how often the message was handled.
   * Undefined where no delay queue is long enough.
   */
  readonly delay:
    | ((message: ClientMessage, retryCount: number, delayMs: number) => Promise<void> | undefined)
    | undefined;
}

/** What a subscription does to a delivery, and nobody outside this folder can. */
export interface DeliveryControl {
  revoke(message: AmqpMessage, reason: string, cause: unknown): void;
}

export let deliveries: DeliveryControl;

/** One delivery of RabbitMQ. A settle resolves when it is on its way, because the server does not confirm acks. */
export class AmqpMessage extends Message {
  readonly #from: ClientMessage;
  readonly #acknowledger: Acknowledger;
  readonly #context: MessageContext;
  #headers: MessageHeaders | undefined;

  static {
    deliveries = { revoke: (message, reason, cause) => message.revoke(reason, cause) };
  }

  constructor(from: ClientMessage, acknowledger: Acknowledger, context: MessageContext) {
    super();
    this.#from = from;
    this.#acknowledger = acknowledger;
    this.#context = context;
  }

  /** The routing key that it was published with. */
  get topic(): string {
    const { fields, properties } = this.#from;
    return topicOf(properties.headers ?? {}, fields.routingKey);
  }

  get payload(): Uint8Array {
    return bytesOf(this.#from.content);
  }

  /**
   * The header table, and content type, correlation id, message id and reply-to as headers. Numbers and tables
   * become text; `properties` has them as they came.
   */
  get headers(): MessageHeaders {
    this.#headers ??= readHeaders(this.#from.properties);
    return this.#headers;
  }

  override get partitionKey(): string | undefined {
    const key = this.#from.properties.headers?.[headerNames.partitionKey];
    return typeof key === "string" ? key : partitionKeyIn(this.headers);
  }

  /**
   * How often this copy was delivered, on a quorum queue; undefined on a classic one. A copy that waited in a delay
   * queue starts at 1. Its header `x-ruststream-retry-count` has the count before that.
   */
  override get deliveryCount(): number | undefined {
    if (!this.#context.counts) return undefined;
    const { "x-delivery-count": returns } = this.#from.properties.headers ?? {};
    // A quorum queue says so from the second delivery on; without it, this is another kind of queue. On the first
    // one it is what somebody has published, as when a message was copied with all its headers.
    if (this.redelivered && typeof returns !== "number") return undefined;
    return this.redelivered ? 1 + Number(returns) : 1;
  }

  /** The exchange it was published to; "" is the one that leads to queues by their names. */
  get exchange(): string {
    return this.#from.fields.exchange;
  }

  /** Whether the server delivered this copy before. */
  get redelivered(): boolean {
    return this.#from.fields.redelivered;
  }

  /** All properties and the header table, as the client gives them. */
  get properties(): AmqpProperties {
    return this.#from.properties;
  }

  protected override sendAck(): void {
    this.#acknowledger.ack(this.#deliveryTag);
  }

  protected override sendNack(requeue: boolean): void {
    try {
      this.#acknowledger.reject(this.#deliveryTag, requeue);
    } catch (cause) {
      throw new DeliveryRevokedError({ topic: this.topic, reason: "its channel is closing", cause });
    }
  }

  protected override sendNackAfter(delayMs: number): Promise<void> | void {
    if (delayMs === 0) return this.sendNack(true);
    const handled = retryCountIn(this.headers, this.topic) + (this.deliveryCount ?? 1);
    const copied = this.#context.delay?.(this.#from, handled, delayMs);
    if (copied === undefined) return this.#acknowledger.requeueAfter(this.#deliveryTag, delayMs);
    return this.#ackOnce(copied, delayMs);
  }

  /** The copy is confirmed before the original is acked: a crash between the two makes two of it, never none. */
  async #ackOnce(copied: Promise<void>, delayMs: number): Promise<void> {
    try {
      await copied;
      this.#acknowledger.ack(this.#deliveryTag);
    } catch (error) {
      this.#acknowledger.requeueAfter(this.#deliveryTag, delayMs);
      reportError({ topic: this.topic, error, message: this });
    }
  }

  get #deliveryTag(): number {
    return this.#from.fields.deliveryTag;
  }
}

/** The answer to a request. There is nothing to settle: `ack()` and a drop resolve, a requeue is refused. */
export class AmqpReply extends Message {
  readonly topic: string;
  readonly #from: ClientMessage;

  constructor(topic: string, from: ClientMessage) {
    super();
    this.topic = topic;
    this.#from = from;
  }

  get payload(): Uint8Array {
    return bytesOf(this.#from.content);
  }

  get headers(): MessageHeaders {
    return readHeaders(this.#from.properties);
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
      reason: "a reply is in no queue, so it cannot be requeued",
    });
  }
}
