import type { MessageHeaders } from "../traits/headers.ts";
import { Message } from "../traits/message.ts";
import type { CheckedMessage } from "../traits/outgoing.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import type { Positioned } from "../traits/subscriber.ts";

/** One item to deliver: a payload, or a message without its topic. */
export type IterableItem = Uint8Array | string | Omit<OutgoingMessage, "topic">;

/** One item of the iterable, between its deliveries. */
export interface Item {
  readonly position: number;
  readonly content: CheckedMessage;
  /** How often it was delivered. */
  readonly deliveries: number;
}

/** One settle of a message, as the subscriber remembers it. */
export type IterableSettlement = { readonly position: number; readonly deliveryCount: number } & (
  | { readonly settle: "ack" }
  | { readonly settle: "nack"; readonly requeue: boolean }
  | { readonly settle: "nackAfter"; readonly delayMs: number }
);

/** Whom a message tells its fate. */
interface Keeper {
  acked(message: IterableMessage): void;
  nacked(message: IterableMessage, requeue: boolean): void;
  nackedAfter(message: IterableMessage, delayMs: number): void;
}

/** A delivery of one item. */
export class IterableMessage extends Message implements Positioned<number> {
  readonly #keeper: Keeper;
  readonly #item: Item;

  /** @internal */
  constructor(keeper: Keeper, item: Item) {
    super();
    this.#keeper = keeper;
    this.#item = item;
  }

  get topic(): string {
    return this.#item.content.topic;
  }

  get payload(): Uint8Array {
    return this.#item.content.payload;
  }

  get headers(): MessageHeaders {
    return this.#item.content.headers;
  }

  /** The number of the item in the iterable, from 0. */
  get position(): number {
    return this.#item.position;
  }

  override get partitionKey(): string | undefined {
    return this.#item.content.key;
  }

  override get deliveryCount(): number {
    return this.#item.deliveries;
  }

  /** @internal */
  get item(): Item {
    return this.#item;
  }

  /** @internal */
  override revoke(reason: string): void {
    super.revoke(reason);
  }

  protected override sendAck(): void {
    this.#keeper.acked(this);
  }

  protected override sendNack(requeue: boolean): void {
    this.#keeper.nacked(this, requeue);
  }

  protected override sendNackAfter(delayMs: number): void {
    this.#keeper.nackedAfter(this, delayMs);
  }
}
