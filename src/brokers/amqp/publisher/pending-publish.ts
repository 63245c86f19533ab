import { isDeepStrictEqual } from "node:util";
import { AbortedError } from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
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

/** Where the answer goes: one of them is called, once. */
export interface PublishAnswer {
  resolve(): void;
  reject(error: unknown): void;
}

/** One publish, from its call to its answer. */
export class PendingPublish implements Abortable {
  readonly what: string;
  readonly topic: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly settings: PublishSettings;
  /** Set once it is accepted: when it has waited long enough. */
  dueAt: number = Number.POSITIVE_INFINITY;
  /** No queue took it: the server said so, and will confirm it all the same. */
  returned = false;
  #answered = false;
  /** Undefined once nobody needs it any more. */
  #content: Buffer | undefined;
  /** It is on its way: its content is kept to know it by, should it be returned. */
  #sent = false;
  readonly #signal: AbortSignal | undefined;
  readonly #answer: PublishAnswer;

  constructor(facts: PublishFields, answer: PublishAnswer) {
    const { payload } = facts;
    this.what = facts.what;
    this.topic = facts.topic;
    this.exchange = facts.exchange;
    this.routingKey = facts.routingKey;
    this.settings = facts.settings;
    this.#content = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#signal = facts.signal;
    this.#answer = answer;
    if (this.#signal !== undefined) watchAbort(this.#signal, this);
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** Bytes of its payload. */
  get size(): number | undefined {
    return this.#content?.byteLength;
  }

  /** What there is to send; undefined once it is answered. */
  take(): Buffer | undefined {
    return this.#answered ? undefined : this.#content;
  }

  sent(): void {
    this.#sent = true;
  }

  /** The server knows of it, or never will: an answer that is still owed comes from the caller of this. */
  release(): void {
    this.#sent = false;
    if (this.#answered) this.#content = undefined;
  }

  resolve(): void {
    if (this.#finish()) this.#answer.resolve();
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#answer.reject(error);
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: this.what, cause: this.#signal?.reason }));
  }

  /**
   * Whether this is what the server gave back, which names no number. Of two that are alike in everything, either will
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

  #finish(): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    if (!this.#sent) this.#content = undefined;
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
    return true;
  }
}
