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

/** What `ack()` and `nack()` return if they are done at once. Compare by identity to skip an `await`. */
export const settledAtOnce: Promise<void> = Promise.resolve();

/**
 * One delivery: a payload, headers, a key, and the right to settle once.
 *
 * - The first settle wins. A later one rejects with `AlreadySettledError` and never reaches the broker.
 * - A delivery belongs to the channel, assignment or connection that it came through. When that ends, the delivery
 *   is revoked: `signal` aborts, and a settle rejects with `DeliveryRevokedError` and affects no other delivery.
 * - If the transport cannot do a settle, it rejects with `SettleUnsupportedError`, and the message is still
 *   unsettled.
 * - When a settle resolves, it is on its way to the broker, or leaves at the end of this turn of the event loop.
 *   The broker has confirmed it only if the adapter says so.
 *
 * An adapter extends this class and implements the `send…` hooks.
 */
export abstract class Message {
  /** The topic that it was published to. With a pattern, the concrete topic. */
  abstract readonly topic: string;
  /** The bytes as published. Do not change them, because others may share them. */
  abstract readonly payload: Uint8Array;
  /** The headers. They are read often, so an adapter builds them once, when they are first read. */
  abstract readonly headers: MessageHeaders;

  /** True from the moment a settle was accepted. A revoked delivery that was not settled before stays `false`. */
  #settled = false;
  #revoked: DeliveryRevokedError | undefined;
  /** Created when `signal` is first read; most messages never need one. */
  #controller: AbortController | undefined;

  /** The payload as UTF-8 text, decoded on each call. Throws `DecodeError` if the bytes are not UTF-8. */
  text(): string {
    try {
      return strictText.decode(this.payload);
    } catch (cause) {
      throw new DecodeError({ topic: this.topic, reason: "the payload is not UTF-8 text", cause });
    }
  }

  /**
   * The payload as JSON, parsed on each call. Ignores a byte order mark. Throws `DecodeError` if it is not JSON.
   * For a checked value, use `.decode(schema)`.
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
   * The key that `byKey` uses; `undefined` if the message has none. An adapter gives the record key, or the
   * `partition-key` header if the transport has no keys.
   */
  get partitionKey(): string | undefined {
    return undefined;
  }

  /**
   * How often the message was delivered, 1 on the first. `capabilities.deliveryCount` says who counts; if nobody
   * does, it is `undefined`.
   */
  get deliveryCount(): number | undefined {
    return undefined;
  }

  /** Aborts when the delivery is revoked, with the `DeliveryRevokedError` as its reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#revoked) this.#controller.abort(this.#revoked);
    }
    return this.#controller.signal;
  }

  /** Whether a settle was accepted. It stays `false` if the delivery was revoked before. */
  get settled(): boolean {
    return this.#settled;
  }

  /** The error that says why, once the delivery is revoked. */
  get revoked(): DeliveryRevokedError | undefined {
    return this.#revoked;
  }

  /** The message is done: the broker does not deliver it again. */
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
   * The message is not done. With `requeue: true`, the default, the broker delivers it again. With `requeue: false`
   * it drops or dead-letters it. Rejects with `InvalidArgumentError` or `UnknownOptionError` on any other argument;
   * the message is then still unsettled.
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
   * The broker delivers the message again, at least `delayMs` milliseconds from now. If
   * `capabilities.delayedRequeue` is "none", it requeues at once. A delay that is negative or not finite rejects
   * with `InvalidArgumentError`; the message is then still unsettled.
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
   * Starts the ack deadline afresh. Without a deadline it does nothing. Rejects with `AlreadySettledError` or
   * `DeliveryRevokedError`, as a settle would.
   */
  async keepAlive(): Promise<void> {
    const refusal = this.#refusal("keepAlive");
    if (refusal) throw refusal;
    await this.sendKeepAlive();
  }

  /**
   * For adapters: sends the ack. Called at most once, unless it fails with `SettleUnsupportedError`.
   *
   * A hook that cannot do what is asked throws or rejects with `SettleUnsupportedError`, and sends nothing; then
   * another settle may follow. With any other error, the settle is used up. A hook that finds the delivery gone
   * calls `revoke()` and fails with `this.revoked`.
   */
  protected abstract sendAck(): Promise<void> | void;

  /** For adapters: sends a requeue, or a drop. Fails as `sendAck` does. */
  protected abstract sendNack(requeue: boolean): Promise<void> | void;

  /** For adapters: sends a requeue with a delay. By default it requeues at once. */
  protected sendNackAfter(_delayMs: number): Promise<void> | void {
    return this.sendNack(true);
  }

  /** For adapters: starts the ack deadline afresh. By default it does nothing. */
  protected sendKeepAlive(): Promise<void> | void {}

  /**
   * For adapters: the broker will deliver the message again, so this delivery can no longer be settled. Only the
   * first call counts. After a settle it changes only `signal` and `revoked`.
   */
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

/** What is wrong with them, if anything. A misspelt `requeue` would requeue a message that was to be dropped. */
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
