import { SettleUnsupportedError } from "../../../traits/errors.ts";
import type { MessageHeaders } from "../../../traits/headers.ts";
import { Message } from "../../../traits/message.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type { Positioned } from "../../../traits/subscriber.ts";
import type { StoredMessage } from "./stored-message.ts";

/** A stored message while one group delivers it, and what settles it there. */
export interface Delivery {
  readonly stored: StoredMessage;
  /** How often it was delivered. */
  readonly deliveries: number;
  ack(): void;
  drop(): void;
  requeue(delayMs: number): void;
  untake(): void;
  keepAlive(): void;
}

/** What a group and its iterators do to a delivery, and nobody outside this folder can. */
export interface DeliveryControl {
  /** It is gone for its holder. */
  revoke(message: MemoryMessage, reason: string): void;
  /** As if it had not been taken; for one that was not handed out. */
  untake(message: MemoryMessage): void;
  /** Its ack deadline starts now. */
  restartDeadline(message: MemoryMessage): void;
}

export const deliveries: DeliveryControl = {
  revoke: (message, reason) => MemoryMessage.control.revoke(message, reason),
  untake: (message) => MemoryMessage.control.untake(message),
  restartDeadline: (message) => MemoryMessage.control.restartDeadline(message),
};

/** One delivery of the memory broker. Every settle takes effect before its call returns. */
export class MemoryMessage extends Message implements Positioned<number> {
  /** Ours to settle until the guard of `Message` closes; afterwards it may stand for a later delivery. */
  readonly #delivery: Delivery;
  readonly #deliveryCount: number;

  /**
   * A field, as a bundler keeps a class with a static block in every program.
   * @internal
   */
  static readonly control: DeliveryControl = {
    revoke: (message, reason) => message.revoke(reason),
    untake: (message) => {
      if (message.revoked === undefined) message.#delivery.untake();
    },
    restartDeadline: (message) => message.sendKeepAlive(),
  };

  /** @internal */
  constructor(delivery: Delivery) {
    super();
    this.#delivery = delivery;
    this.#deliveryCount = delivery.deliveries;
  }

  get topic(): string {
    return this.#delivery.stored.topic.name;
  }

  get payload(): Uint8Array {
    return this.#delivery.stored.payload;
  }

  get headers(): MessageHeaders {
    return this.#delivery.stored.headers;
  }

  override get partitionKey(): string | undefined {
    return this.#delivery.stored.key;
  }

  override get deliveryCount(): number {
    return this.#deliveryCount;
  }

  /** Its number in its topic, from 1. */
  get position(): number {
    return this.#delivery.stored.sequence;
  }

  protected override sendAck(): void {
    this.#delivery.ack();
  }

  protected override sendNack(requeue: boolean): void {
    if (requeue) this.#delivery.requeue(0);
    else this.#delivery.drop();
  }

  protected override sendNackAfter(delayMs: number): void {
    this.#delivery.requeue(delayMs);
  }

  protected override sendKeepAlive(): void {
    this.#delivery.keepAlive();
  }
}

/** The answer to a request. There is nothing to settle: `ack()` and a drop resolve, a requeue is refused. */
export class MemoryReply extends Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  readonly #key: string | undefined;

  constructor(message: CheckedMessage) {
    super();
    this.topic = message.topic;
    this.payload = message.payload;
    this.headers = message.headers;
    this.#key = message.key;
  }

  override get partitionKey(): string | undefined {
    return this.#key;
  }

  protected override sendAck(): void {}

  protected override sendNack(requeue: boolean): void {
    if (!requeue) return;
    throw new SettleUnsupportedError({
      topic: this.topic,
      settle: "A requeue",
      reason: "a reply is delivered once, to the request it answers",
    });
  }
}
