import type { Clock } from "../traits/clock.ts";
import { deferred } from "../traits/deferred.ts";
import { type HeadersInit, MessageHeaders, partitionKeyIn } from "../traits/headers.ts";
import { Message } from "../traits/message.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";

/** What a {@link RecordingMessage} is made of. Everything has a default. */
export interface RecordingMessageInit {
  /** The topic. @default "test" */
  readonly topic?: string;
  /** Bytes, or text as UTF-8. @default empty */
  readonly payload?: Uint8Array | string;
  readonly headers?: HeadersInit;
  /** The key. @default the `partition-key` header, if there is one */
  readonly partitionKey?: string;
  /** The delivery count. @default 1 */
  readonly deliveryCount?: number;
  /** With a clock, each record has the time of its settle in `at`. */
  readonly clock?: Clock;
  /** Called with each settle that the guard lets through. If it throws or rejects, the settle fails with that error. */
  readonly onSettle?: (settlement: Settlement) => Promise<void> | void;
}

const names = optionNames<RecordingMessageInit>()({
  topic: true,
  payload: true,
  headers: true,
  partitionKey: true,
  deliveryCount: true,
  clock: true,
  onSettle: true,
});

/** One settle, as a broker would get it. */
export type Settlement =
  | { readonly settle: "ack" }
  | { readonly settle: "nack"; readonly requeue: boolean }
  | { readonly settle: "nackAfter"; readonly delayMs: number };

/** A settle that reached the transport. `error`: what it failed with. `at`: when, if the message has a clock. */
export type RecordedSettlement = Settlement & { readonly error?: unknown; readonly at?: number };

const encoder = new TextEncoder();

/**
 * A message without a broker, for tests of code that takes messages. Like every message it settles once. It records
 * each settle that would reach the broker. A test can revoke it, or make a settle fail.
 */
export class RecordingMessage extends Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  /** What the `partitionKey` getter answers. */
  readonly #partitionKey: string | undefined;
  readonly #deliveryCount: number;
  readonly #clock: Clock | undefined;
  readonly #onSettle: ((settlement: Settlement) => Promise<void> | void) | undefined;
  readonly #settlements: RecordedSettlement[] = [];
  readonly #settledWith = deferred<Settlement>();
  /** Errors for the settles to come, the first for the next one. */
  readonly #refusals: unknown[] = [];
  #keepAlives = 0;

  constructor(init: RecordingMessageInit = {}) {
    super();
    checkOptionNames("new RecordingMessage(init)", init, names);
    this.topic = init.topic ?? "test";
    this.payload =
      typeof init.payload === "string" ? encoder.encode(init.payload) : (init.payload ?? new Uint8Array());
    this.headers = MessageHeaders.from(init.headers);
    this.#partitionKey = init.partitionKey ?? partitionKeyIn(this.headers);
    this.#deliveryCount = init.deliveryCount ?? 1;
    this.#clock = init.clock;
    this.#onSettle = init.onSettle;
  }

  override get partitionKey(): string | undefined {
    return this.#partitionKey;
  }

  override get deliveryCount(): number {
    return this.#deliveryCount;
  }

  /** Every settle that reached the transport, in order. There is a second one only after a settle that failed. */
  get settlements(): readonly RecordedSettlement[] {
    return this.#settlements;
  }

  /** Resolves with the settle that succeeded, once there is one. */
  get settledWith(): Promise<Settlement> {
    return this.#settledWith.promise;
  }

  /** How many `keepAlive()` calls were accepted. */
  get keepAlives(): number {
    return this.#keepAlives;
  }

  /**
   * Makes the next settle fail with `error`; a second call, the one after it. After a `SettleUnsupportedError` the
   * message is still unsettled. After any other error the settle is used up.
   */
  rejectNextSettle(error: unknown): void {
    this.#refusals.push(error);
  }

  /** Revokes the delivery, as a broker does: `signal` aborts, and settles reject with `DeliveryRevokedError`. */
  override revoke(reason = "the test revoked it", cause?: unknown): void {
    super.revoke(reason, cause);
  }

  protected override sendAck(): Promise<void> | void {
    return this.#settle({ settle: "ack" });
  }

  protected override sendNack(requeue: boolean): Promise<void> | void {
    return this.#settle({ settle: "nack", requeue });
  }

  protected override sendNackAfter(delayMs: number): Promise<void> | void {
    return this.#settle({ settle: "nackAfter", delayMs });
  }

  protected override sendKeepAlive(): void {
    this.#keepAlives += 1;
  }

  #settle(settlement: Settlement): Promise<void> | void {
    if (this.#refusals.length > 0) return this.#fail(settlement, this.#refusals.shift());
    try {
      const answer = this.#onSettle?.(settlement);
      if (answer === undefined) this.#succeed(settlement);
      else
        return answer.then(
          () => this.#succeed(settlement),
          (error: unknown) => this.#fail(settlement, error),
        );
    } catch (error) {
      this.#fail(settlement, error);
    }
  }

  #succeed(settlement: Settlement): void {
    this.#record(settlement);
    this.#settledWith.resolve(settlement);
  }

  #fail(settlement: Settlement, error: unknown): never {
    this.#record({ ...settlement, error });
    throw error;
  }

  #record(settlement: RecordedSettlement): void {
    this.#settlements.push(this.#clock ? { ...settlement, at: this.#clock.now() } : settlement);
  }
}
