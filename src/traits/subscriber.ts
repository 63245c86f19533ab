import type { Capabilities } from "./capabilities.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";

/**
 * The iterator of a subscriber.
 *
 * - You may call `next()` again before the last call resolved. Answers come in the order of the calls.
 * - `return()` ends this iterator and resolves every waiting `next()` with done. It loses nothing: the next
 *   iterator gets what was buffered. The subscription stays open.
 */
export interface SubscriberIterator<M extends Message = Message>
  extends AsyncIterator<M, undefined, undefined> {
  next(): Promise<IteratorResult<M, undefined>>;
  return(): Promise<IteratorResult<M, undefined>>;
  /**
   * Optional, and faster than `next()`: up to `max` deliveries that are already here, without waiting. It gives
   * none if nothing is here, or if a `next()` is waiting. Each one counts as delivered, as if `next()` had given
   * it. `max` is a whole number of at least 0, or `Infinity`; otherwise it throws `InvalidArgumentError`.
   */
  takeReady?(max: number): M[];
}

/**
 * A live subscription: an async iterable of deliveries.
 *
 * - It fetches only a bounded prefetch, until somebody pulls.
 * - `break` ends the loop, not the subscription.
 * - One iterator at a time. While one is active, a second throws `SubscriberBusyError`.
 * - The adapter handles a passing fault by itself, and reports it. A final fault rejects one `next()`; then the
 *   iteration is over.
 * - A requeued message comes again where the broker puts it. So a requeue does not keep the order of a key; a retry
 *   in place of a pipeline does.
 */
export interface Subscriber<M extends Message = Message> extends AsyncIterable<M>, AsyncDisposable {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** The clock of its broker. A pipeline over the subscriber uses it. @default the system's */
  readonly clock?: Clock;
  [Symbol.asyncIterator](): SubscriberIterator<M>;
  /**
   * Ends the subscription and its iterator. Unsettled deliveries are requeued, and reject with
   * `DeliveryRevokedError` from then on. A second call does nothing more. It works while a `next()` waits.
   *
   * It waits for earlier settles: when it resolves, each of them has its answer, or its delivery is revoked.
   * Otherwise nobody would know whether a requeue on its way takes effect.
   */
  close(): Promise<void>;
}

/** A subscriber that can give several deliveries at once. */
export interface BatchSubscriber<M extends Message = Message> extends Subscriber<M> {
  /**
   * Batches of 1 to `max` deliveries, in order. A batch closes when it is full, or `maxWaitMs` after its first
   * delivery. Settle each delivery by itself.
   */
  batches(options: BatchOptions): AsyncIterable<M[]>;
}

/** Options of `batches(options)`. */
export interface BatchOptions {
  /** The most deliveries in a batch: a whole number of at least 1. */
  readonly max: number;
  /** How long a batch waits for more, in milliseconds, counted from its first delivery. @default 10 */
  readonly maxWaitMs?: number;
}

/** A subscriber over a log, which can move in it. `P` is the broker's type of position. */
export interface Seekable<P> {
  /**
   * The next delivery is the one at `position`. Deliveries in flight from what moves are revoked, in every
   * subscriber that shares the position. If the log does not hold the position, it rejects with
   * `PositionUnavailableError` and moves nothing.
   */
  seek(position: P): Promise<void>;
}

/** A message that knows its position. Seeking to it delivers the same message again. */
export interface Positioned<P> {
  readonly position: P;
}

/** A subscriber that can stop fetching. Messages that are already here are still delivered. */
export interface Pausable {
  readonly paused: boolean;
  pause(): void;
  resume(): void;
}

/** A message of a partitioned topic. Order holds within a partition. */
export interface Partitioned {
  readonly partition: number;
}
