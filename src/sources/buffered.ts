import type { OutletIterator } from "../structures/outlet.ts";
import { checkCount, checkDuration } from "../traits/arguments.ts";
import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { LiveCapabilities } from "../traits/live-capabilities.ts";
import type { Message } from "../traits/message.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { BatchOptions, BatchSubscriber, Subscriber, SubscriberIterator } from "../traits/subscriber.ts";
import { Collector } from "./collector.ts";
import { isSource, type MessageOf } from "./types.ts";

// `buffer` and `bufferCountOrTime` of ix do not fit here. test/sources/ix-combinators.test.ts shows why:
// - `buffer(3)` over "a0" and "a1" waits for a third message without a limit. `return()` resolves neither itself nor the waiting
//   `next()`. If the source fails, both messages are lost.
// - `bufferCountOrTime(10, 100)` counts its time from the first pull. If the first message comes after 99 ms, its batch closes
//   1 ms later.
// - `bufferCountOrTime(2, 100)` over five messages has pulled the third when it gives the first batch. A `break` loses that third
//   message, and keeps the source busy.

/** Options of `buffered(from, options)`. */
export interface BufferedOptions {
  /** The most messages in a batch, unless `batches()` says otherwise: a whole number of at least 1. */
  readonly max: number;
  /**
   * How long a batch waits for more, in milliseconds, counted from its first message, unless `batches()` says
   * otherwise. @default 10
   */
  readonly maxWaitMs?: number;
  /** What `maxWaitMs` is measured by. @default that of the subscription */
  readonly clock?: Clock;
}

const names = optionNames<BufferedOptions>()({ max: true, maxWaitMs: true, clock: true });
const batchNames = optionNames<BatchOptions>()({ max: true, maxWaitMs: true });

/** A subscriber whose batches are collected in this process. */
export interface BufferedSubscriber<M extends Message = Message> extends BatchSubscriber<M> {
  batches(options?: Partial<BatchOptions>): AsyncIterable<M[]>;
}

/**
 * Batches for a subscription that has none.
 *
 * A batch closes when it is full, `maxWaitMs` after its first message, or when the subscription ends. It is never
 * empty. Messages are pulled one at a time, and only while somebody waits for a batch. So between batches, at most
 * one message is held here. `break` loses nothing: the next iterator gets what was collected.
 *
 * With a source it gives a source; with a subscriber, a subscriber. It then owns that subscriber.
 */
export function buffered<S extends SubscriptionSource>(
  source: S,
  options: BufferedOptions,
): S extends SubscriptionSource<infer C, infer _>
  ? SubscriptionSource<C, BufferedSubscriber<MessageOf<S>>>
  : never;
export function buffered<S extends Subscriber>(
  subscriber: S,
  options: BufferedOptions,
): BufferedSubscriber<MessageOf<S>>;
export function buffered(
  from: SubscriptionSource | Subscriber,
  options: BufferedOptions,
): SubscriptionSource | BufferedSubscriber {
  checkOptionNames("buffered(from, options)", options, names);
  checkCount("buffered({ max })", options.max);
  if (options.maxWaitMs !== undefined) checkDuration("buffered({ maxWaitMs })", options.maxWaitMs);
  return isSource(from) ? new BufferedSource(from, options) : new Buffered(from, options);
}

class BufferedSource implements SubscriptionSource<Connection, BufferedSubscriber> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #source: SubscriptionSource;
  readonly #options: BufferedOptions;

  constructor(source: SubscriptionSource, options: BufferedOptions) {
    this.topic = source.topic;
    this.capabilities = bufferedCapabilities(source.capabilities);
    this.#source = source;
    this.#options = options;
  }

  async open(connection: Connection): Promise<BufferedSubscriber> {
    return new Buffered(await this.#source.open(connection), this.#options);
  }
}

class Buffered<M extends Message> implements BufferedSubscriber<M> {
  readonly topic: string;
  /** What the time of a batch goes by. */
  readonly clock: Clock;
  readonly #capabilities: LiveCapabilities;
  readonly #subscriber: Subscriber<M>;
  readonly #collector: Collector<M>;
  readonly #max: number;
  readonly #maxWaitMs: number;
  #closing: Promise<void> | undefined;

  constructor(subscriber: Subscriber<M>, options: BufferedOptions) {
    this.topic = subscriber.topic;
    this.#capabilities = new LiveCapabilities([subscriber], () =>
      bufferedCapabilities(subscriber.capabilities),
    );
    this.#subscriber = subscriber;
    this.clock = options.clock ?? subscriber.clock ?? systemClock;
    this.#collector = new Collector(subscriber, this.clock);
    this.#max = options.max;
    this.#maxWaitMs = options.maxWaitMs ?? 10;
  }

  get capabilities(): Capabilities {
    return this.#capabilities.now;
  }

  batches(options: Partial<BatchOptions> = {}): AsyncIterable<M[]> {
    checkOptionNames("batches(options)", options, batchNames);
    const max = checkCount("batches({ max })", options.max ?? this.#max);
    const maxWaitMs = checkDuration("batches({ maxWaitMs })", options.maxWaitMs ?? this.#maxWaitMs);
    return { [Symbol.asyncIterator]: () => this.#collector.iterate(max, maxWaitMs) };
  }

  /** One by one. A batch of one is full when its message is here, so no time is spent on it. */
  [Symbol.asyncIterator](): SubscriberIterator<M> {
    return new Single(this.#collector.iterate(1, 0));
  }

  close(): Promise<void> {
    this.#collector.close();
    this.#closing ??= this.#subscriber.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class Single<M extends Message> implements SubscriberIterator<M> {
  readonly #batches: OutletIterator<M[]>;

  constructor(batches: OutletIterator<M[]>) {
    this.#batches = batches;
  }

  async next(): Promise<IteratorResult<M, undefined>> {
    return first(await this.#batches.next());
  }

  async return(): Promise<IteratorResult<M, undefined>> {
    return first(await this.#batches.return());
  }

  takeReady(max: number): M[] {
    return this.#batches.takeReady(max).flat();
  }
}

function first<M>(result: IteratorResult<M[], undefined>): IteratorResult<M, undefined> {
  const message = result.done ? undefined : result.value[0];
  return message === undefined ? { done: true, value: undefined } : { done: false, value: message };
}

function bufferedCapabilities(capabilities: Capabilities): Capabilities {
  return { ...capabilities, batches: true, seek: false, pause: false };
}
