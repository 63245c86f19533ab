import { SettleUnsupportedError } from "../traits/errors.ts";
import type { MessageHeaders } from "../traits/headers.ts";
import { Message } from "../traits/message.ts";

/** One message on its way through a faulty subscription, between its deliveries. */
export interface Parcel<M extends Message> {
  readonly original: M;
  /** Its place among the messages of the wrapped subscription, from 0. */
  readonly number: number;
  /** A second delivery nobody asked for. It has no delivery of its own at the broker. */
  readonly duplicate: boolean;
  /** How often it was delivered before, by this subscription. */
  readonly redeliveries: number;
}

/** What a message asks of the subscription that delivered it. */
interface Carrier<M extends Message> {
  /** Present while nothing moves; resolves when it does again. */
  readonly stalled: Promise<void> | undefined;
  readonly requeues: boolean;
  /** A settle is being sent: a disconnect no longer touches this delivery. */
  sending(message: FaultyMessage<M>): void;
  /** It was refused before it was sent, so the delivery is unsettled still. */
  refused(message: FaultyMessage<M>): void;
  /** A settle is over. */
  sent(): void;
  again(parcel: Parcel<M>, delayMs: number): void;
}

/** A delivery of a faulty subscription. */
export class FaultyMessage<M extends Message = Message> extends Message {
  readonly #carrier: Carrier<M>;
  readonly #parcel: Parcel<M>;

  /** @internal */
  constructor(carrier: Carrier<M>, parcel: Parcel<M>) {
    super();
    this.#carrier = carrier;
    this.#parcel = parcel;
  }

  /** The message of the wrapped subscription. Settle the faulty message, not this one. */
  get original(): M {
    return this.#parcel.original;
  }

  /** Whether this is the second delivery of a duplicate. */
  get duplicate(): boolean {
    return this.#parcel.duplicate;
  }

  get topic(): string {
    return this.original.topic;
  }

  get payload(): Uint8Array {
    return this.original.payload;
  }

  get headers(): MessageHeaders {
    return this.original.headers;
  }

  override get partitionKey(): string | undefined {
    return this.original.partitionKey;
  }

  override get deliveryCount(): number | undefined {
    const count = this.original.deliveryCount;
    return count === undefined ? undefined : count + this.#parcel.redeliveries;
  }

  /** @internal */
  get parcel(): Parcel<M> {
    return this.#parcel;
  }

  /** @internal */
  override revoke(reason: string, cause?: unknown): void {
    super.revoke(reason, cause);
  }

  protected override sendAck(): Promise<void> {
    return this.#send(() => (this.duplicate ? undefined : this.original.ack()));
  }

  protected override sendNack(requeue: boolean): Promise<void> {
    if (requeue) this.#checkRequeue("nack");
    return this.#send(() => {
      if (!this.duplicate) return this.original.nack({ requeue });
      return requeue ? this.#again(0) : undefined;
    });
  }

  protected override sendNackAfter(delayMs: number): Promise<void> {
    this.#checkRequeue("nackAfter");
    return this.#send(() => (this.duplicate ? this.#again(delayMs) : this.original.nackAfter(delayMs)));
  }

  protected override sendKeepAlive(): Promise<void> | void {
    return this.duplicate ? undefined : this.original.keepAlive();
  }

  async #send(work: () => Promise<void> | undefined): Promise<void> {
    while (this.#carrier.stalled !== undefined) await this.#carrier.stalled;
    if (this.revoked) throw this.revoked;
    this.#carrier.sending(this);
    try {
      await work();
    } catch (error) {
      if (error instanceof SettleUnsupportedError) this.#carrier.refused(this);
      throw error;
    } finally {
      this.#carrier.sent();
    }
  }

  // Thrown before anything waits, which is what leaves the message unsettled.
  #checkRequeue(settle: string): void {
    if (this.#carrier.requeues) return;
    const reason = "the wrapped subscription does not requeue";
    throw new SettleUnsupportedError({ topic: this.topic, settle, reason });
  }

  #again(delayMs: number): undefined {
    this.#carrier.again({ ...this.#parcel, redeliveries: this.#parcel.redeliveries + 1 }, delayMs);
  }
}
