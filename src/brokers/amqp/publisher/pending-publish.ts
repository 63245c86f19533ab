import { isDeepStrictEqual } from "node:util";
import { type CallAnswer, PendingCall } from "../../shared/pending-call.ts";
import type { PublishSettings, ReturnedMessage } from "../client.ts";

export interface PublishFields {
  /** Names the call in errors. */
  readonly what: string;
  readonly topic: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly payload: Uint8Array;
  readonly settings: PublishSettings;
  readonly signal?: AbortSignal | undefined;
}

/** One publish, from its call to its answer. */
export class PendingPublish extends PendingCall<void> {
  readonly topic: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly settings: PublishSettings;
  /** Set once it is accepted: when it has waited long enough. */
  dueAt: number = Number.POSITIVE_INFINITY;
  /** No queue took it: the server said so, and will confirm it all the same. */
  returned = false;
  /** Undefined once nobody needs it any more. */
  #content: Buffer | undefined;
  /** It is on its way: its content is kept to know it by, should it be returned. */
  #sent = false;

  constructor(facts: PublishFields, answer: CallAnswer<void>) {
    super(facts.what, facts.signal, answer);
    const { payload } = facts;
    this.topic = facts.topic;
    this.exchange = facts.exchange;
    this.routingKey = facts.routingKey;
    this.settings = facts.settings;
    this.#content = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  /** Bytes of its payload. */
  get size(): number | undefined {
    return this.#content?.byteLength;
  }

  /** What there is to send; undefined once it is answered. */
  take(): Buffer | undefined {
    return this.over ? undefined : this.#content;
  }

  sent(): void {
    this.#sent = true;
  }

  /** The server knows of it, or never will: an answer that is still owed comes from the caller of this. */
  release(): void {
    this.#sent = false;
    if (this.over) this.#content = undefined;
  }

  /**
   * Whether this is the message that the server returned, because a return has no number. Of two equal messages, either will
   * do: nobody could tell them apart in a queue either.
   */
  matches({ fields, properties, content }: ReturnedMessage): boolean {
    if (this.settings.mandatory !== true || this.returned) return false;
    if (fields.routingKey !== this.routingKey || fields.exchange !== this.exchange) return false;
    if (this.#content?.equals(content) !== true) return false;
    const { contentType, correlationId, messageId, headers } = this.settings;
    return (
      contentType === properties.contentType &&
      correlationId === properties.correlationId &&
      messageId === properties.messageId &&
      isDeepStrictEqual({ ...headers }, { ...properties.headers })
    );
  }

  protected override onOver(): void {
    if (!this.#sent) this.#content = undefined;
  }
}
