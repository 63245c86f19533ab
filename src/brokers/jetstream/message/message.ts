import { DeliveryRevokedError } from "../../../traits/errors.ts";
import type { Positioned } from "../../../traits/subscriber.ts";
import type { ClientMessage } from "../../nats/client.ts";
import { textOf } from "../../nats/errors.ts";
import { ClientDelivery } from "../../nats/message/message.ts";
import { acks, type DeliveryInfo, nakAfter, termFor } from "./ack.ts";

/** Sends the acks of a delivery. */
export interface AckSender {
  /** Sends an ack, a nak or a term, now or when the consumer is back. */
  settle(message: JetStreamMessage, ack: Uint8Array): Promise<void> | void;
  /** Sends an ack and waits until the server has confirmed it. */
  confirm(message: JetStreamMessage): Promise<void>;
  extend(message: JetStreamMessage): void;
  readonly confirmAcks: boolean;
  /** Whether the server accepts a term with a reason. */
  readonly supportsTermReason: boolean;
}

/** What a subscriber does to its deliveries, and nobody outside this adapter can. */
export interface DeliveryControl {
  revoke(message: JetStreamMessage, reason: string, cause?: unknown): void;
}

export let deliveryControl: DeliveryControl;

/** One delivery of a stream. */
export class JetStreamMessage extends ClientDelivery implements Positioned<number> {
  #delivery: DeliveryInfo;
  #ackSubject: string;
  readonly #sender: AckSender;
  #confirms = false;
  #reason: string | undefined = undefined;
  /** When its ack deadline started. Only the subscriber sets it. */
  since = 0;
  /** Whether somebody has pulled it. Until then it waits here, prefetched. Only the subscriber sets it. */
  taken = false;

  static {
    deliveryControl = { revoke: (message, reason, cause) => message.revoke(reason, cause) };
  }

  /** @internal */
  constructor(client: ClientMessage, delivery: DeliveryInfo, sender: AckSender) {
    super(client);
    this.#delivery = delivery;
    this.#ackSubject = client.reply ?? "";
    this.#sender = sender;
  }

  /** Its sequence in the stream, from 1. */
  get position(): number {
    return this.#delivery.sequence;
  }

  override get deliveryCount(): number {
    return this.#delivery.deliveries;
  }

  get stream(): string {
    return this.#delivery.stream;
  }

  get consumer(): string {
    return this.#delivery.consumer;
  }

  /** When the stream stored it. */
  get storedAt(): Date {
    return new Date(this.#delivery.storedAt);
  }

  /** How many messages the consumer had still to deliver after this one. */
  get pendingAfter(): number {
    return this.#delivery.pending;
  }

  /** @internal */
  get delivery(): DeliveryInfo {
    return this.#delivery;
  }

  /** @internal Where its answer goes. */
  get ackSubject(): string {
    return this.#ackSubject;
  }

  /** @internal It was delivered again while it is held here: it is the same, with another ack subject. */
  renew(delivery: DeliveryInfo, ackSubject: string): void {
    this.#delivery = delivery;
    this.#ackSubject = ackSubject;
  }

  /** Acks, and resolves when the server has confirmed the ack, even without `confirmAcks`. */
  ackConfirmed(): Promise<void> {
    this.#confirms = true;
    return this.ack();
  }

  /**
   * Drops the message, as `nack({ requeue: false })` does, with a reason for the server's advisories. A server
   * before 2.10.4 gets no reason.
   */
  drop(reason: string): Promise<void> {
    this.#reason = reason;
    return this.nack({ requeue: false });
  }

  protected override sendAck(): Promise<void> | void {
    const confirms = this.#confirms || this.#sender.confirmAcks;
    return confirms ? this.#sender.confirm(this) : this.#sender.settle(this, acks.ack);
  }

  protected override sendNack(requeue: boolean): Promise<void> | void {
    if (requeue) return this.#sender.settle(this, acks.nak);
    const reason = this.#sender.supportsTermReason ? this.#reason : undefined;
    return this.#sender.settle(this, reason === undefined ? acks.term : termFor(reason));
  }

  protected override sendNackAfter(delayMs: number): Promise<void> | void {
    return this.#sender.settle(this, nakAfter(delayMs));
  }

  protected override sendKeepAlive(): void {
    this.#sender.extend(this);
  }
}

/** The error of a settle that did not get through. */
export function revokedError(message: JetStreamMessage, cause: unknown): DeliveryRevokedError {
  return new DeliveryRevokedError({ topic: message.topic, reason: textOf(cause), cause });
}
