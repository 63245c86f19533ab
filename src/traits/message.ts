import { checkDuration } from "./arguments.ts";
import {
  AlreadySettledError,
  DecodeError,
  DeliveryRevokedError,
  InvalidArgumentError,
  isTidelaneError,
} from "./errors.ts";
import type { MessageHeaders } from "./headers.ts";
import { checkOptionNames, type OptionNames } from "./option-names.ts";

/** A byte order mark is part of the text: without `ignoreBOM` the decoder would swallow it. */
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const byteOrderMark = "\uFEFF";

/** What every `ack()` and `nack()` returns that was over at once. Compare by identity to skip an `await`. */
export const settledAtOnce: Promise<void> = Promise.resolve();

/**
 * One delivery handed to this process: a payload, headers, a key, and the right to settle it once.
 *
 * - The first settle wins. A later one rejects with `AlreadySettledError` and never reaches the broker.
 * - It is bound to the channel, assignment or connection that delivered it. When that is gone the delivery is revoked:
 *   `signal` aborts, and every settle rejects with `DeliveryRevokedError` and touches nothing else.
 * - A settle the transport cannot do rejects with `SettleUnsupportedError`; the message is still unsettled then.
 * - A resolved settle means it is on its way to the broker, at the latest when this turn of the event loop ends; not
 *   that the broker has confirmed it, unless the adapter says so.
 *
 * Adapters extend it and implement the `send…` hooks; the guard above lives here, once.
 */
export abstract class Message {
  /** Where it was published: a subject, a topic, a queue or routing key. For a pattern, the concrete topic. */
  abstract readonly topic: string;
  /** The bytes as published. Do not modify: other holders may share them. */
  abstract readonly payload: Uint8Array;
  /** Read again and again by whoever holds the message: an adapter builds them when first asked, and keeps them. */
  abstract readonly headers: MessageHeaders;

  /** True from the moment a settle was accepted. A revoked delivery that was not settled before stays `false`. */
  #settled = false;
  #revoked: DeliveryRevokedError | undefined;
  /** Created when `signal` is first read; most messages never need one. */
  #controller: AbortController | undefined;

  /** The payload as UTF-8 text, decoded each time. Throws `DecodeError` on bytes that are not UTF-8. */
  text(): string {
    try {
      return strictText.decode(this.payload);
    } catch (cause) {
      throw new DecodeError({ topic: this.topic, reason: "the payload is not UTF-8 text", cause });
    }
  }

  /**
   * The payload as JSON, parsed each time; a byte order mark before it is passed over. Throws `DecodeError`. Use
   * `.decode(schema)` for a checked value.
   */
  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text.startsWith(byteOrderMark) ? text.slice(1) : text);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new DecodeError({ topic: this.topic, reason: `the payload is not JSON: ${detail}`, cause });
    }
  }

  /**
   * What `byKey` goes by; by default `undefined`, a message without a key. Adapters give the record key where the
   * broker has one and the `partition-key` header elsewhere.
   */
  get partitionKey(): string | undefined {
    return undefined;
  }

  /** How often it was delivered, 1 on the first. `capabilities.deliveryCount` says who counts; `undefined`: nobody. */
  get deliveryCount(): number | undefined {
    return undefined;
  }

  /** Aborts when the delivery is revoked; its reason is the `DeliveryRevokedError`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#revoked) this.#controller.abort(this.#revoked);
    }
    return this.#controller.signal;
  }

  /** Whether a settle was accepted. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Why, once the delivery is revoked. */
  get revoked(): DeliveryRevokedError | undefined {
    return this.#revoked;
  }

  /** Done: never deliver it again. */
  ack(): Promise<void> {
    const refusal = this.#claim("ack");
    if (refusal) return Promise.reject(refusal);
    try {
      const answer = this.sendAck();
      return answer === undefined ? settledAtOnce : this.#answered(answer);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * Not done. With `requeue` (the default) it is delivered again; without, it is dropped, or dead-lettered where the
   * broker is set up to. Rejects with `InvalidArgumentError` or `UnknownOptionError`, unsettled, on anything else than `{ requeue }`.
   */
  nack(options?: { readonly requeue?: boolean }): Promise<void> {
    const fault = options === undefined ? undefined : nackFault(options);
    if (fault) return Promise.reject(fault);
    const refusal = this.#claim("nack");
    if (refusal) return Promise.reject(refusal);
    try {
      const answer = this.sendNack(options?.requeue ?? true);
      return answer === undefined ? settledAtOnce : this.#answered(answer);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * Deliver it again, no sooner than `delayMs` milliseconds from now. Where the transport has no delay
   * (`capabilities.delayedRequeue` is "none") it is requeued at once. A delay that is negative or not finite rejects
   * with `InvalidArgumentError` and leaves the message unsettled.
   */
  async nackAfter(delayMs: number): Promise<void> {
    checkDuration("nackAfter(delayMs)", delayMs);
    const refusal = this.#claim("nackAfter");
    if (refusal) throw refusal;
    try {
      await this.sendNackAfter(delayMs);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * Extends the ack deadline by its full length; nothing to do where there is none. Settles nothing. Rejects with
   * `AlreadySettledError` or `DeliveryRevokedError` where a settle would.
   */
  async keepAlive(): Promise<void> {
    const refusal = this.#refusal("keepAlive");
    if (refusal) throw refusal;
    await this.sendKeepAlive();
  }

  /**
   * The hooks of a settle. One that cannot do what is asked throws or rejects with `SettleUnsupportedError`, having sent
   * nothing; that reopens the guard. Any other error is the answer of this settle, which has then been used up. One that
   * finds the delivery gone calls `revoke()` and fails with `revoked`.
   */
  protected abstract sendAck(): Promise<void> | void;

  protected abstract sendNack(requeue: boolean): Promise<void> | void;

  protected sendNackAfter(_delayMs: number): Promise<void> | void {
    return this.sendNack(true);
  }

  protected sendKeepAlive(): Promise<void> | void {}

  /** For the adapter: the delivery is gone. Only the first call counts; after a settle only `signal` and `revoked` tell. */
  protected revoke(reason: string, cause?: unknown): void {
    if (this.#revoked) return;
    this.#revoked = new DeliveryRevokedError({ topic: this.topic, reason, cause });
    this.#controller?.abort(this.#revoked);
  }

  #refusal(attempted: string): Error | undefined {
    if (this.#settled) return new AlreadySettledError({ topic: this.topic, attempted });
    return this.#revoked;
  }

  #claim(attempted: string): Error | undefined {
    const refusal = this.#refusal(attempted);
    if (refusal === undefined) this.#settled = true;
    return refusal;
  }

  async #answered(answer: Promise<void>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Promise<never> {
    // Nothing was sent, so another settle may still be chosen. By brand: a hook may pass on another copy's error.
    if (isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED")) this.#settled = false;
    return Promise.reject(error);
  }
}

const nackNames: OptionNames = { requeue: true };

/** What is wrong with them, if anything: a misspelt `requeue` would give back what was to be dropped. */
function nackFault(options: unknown): Error | undefined {
  if (typeof options !== "object" || options === null) return notOptions(options);
  const { requeue }: { requeue?: unknown } = options;
  if (requeue !== undefined && typeof requeue !== "boolean") return notOptions(options);
  try {
    checkOptionNames("nack(options)", options, nackNames);
  } catch (error) {
    return error as Error;
  }
  return undefined;
}

/** `nack(false)` is how another library drops a message: here it must not requeue without a word. */
function notOptions(received: unknown): InvalidArgumentError {
  const expected = "left out, { requeue: true } or { requeue: false }";
  return new InvalidArgumentError({ argument: "nack(options)", expected, received });
}
