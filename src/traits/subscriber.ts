import type { Capabilities } from "./capabilities.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";

/**
 * The iterator of a subscriber.
 *
 * - `next()` may be called again before the last one resolved; answers come in the order of the calls.
 * - `return()` ends this iterator, resolves every waiting `next()` with done, and loses nothing: what was buffered
 *   goes to the next iterator. It does not close the subscription.
 */
export interface SubscriberIterator<M extends Message = Message>
  extends AsyncIterator<M, undefined, undefined> {
  next(): Promise<IteratorResult<M, undefined>>;
  return(): Promise<IteratorResult<M, undefined>>;
  /**
   * Optional fast path: up to `max` deliveries that are here already, taken without waiting; empty when there are none
   * or when a `next()` is waiting. Each counts as delivered, as if `next()` had returned it. `max` is a whole number of at
   * least 0, or `Infinity`; anything else throws `InvalidArgumentError`.
   */
  takeReady?(max: number): M[];
}

/**
 * A live subscription: an async iterable of deliveries.
 *
 * - **Pull is demand.** Nothing is fetched beyond a bounded prefetch unless the consumer asks.
 * - **Cancel-safe.** `break` ends the loop, not the subscription.
 * - **One iterator at a time.** A second while the first is active throws `SubscriberBusyError`.
 * - **Errors in the stream.** A transient fault is handled inside and reported as a diagnostic event. A final one rejects
 *   `next()` once; iteration then ends.
 * - Not promised: the order of one key across a requeue. A requeued message comes again, at a place of the broker's
 *   choosing. `retry in place` of the runtime keeps the order.
 */
export interface Subscriber<M extends Message = Message> extends AsyncIterable<M>, AsyncDisposable {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** The clock of its broker: a pipeline over it goes by the same time. @default the system's */
  readonly clock?: Clock;
  [Symbol.asyncIterator](): SubscriberIterator<M>;
  /**
   * Ends the subscription and its iterator. Deliveries not settled go back to the broker, and answer
   * `DeliveryRevokedError` from then on. Idempotent; works while a `next()` waits.
   *
   * It waits for the settles made before it: when it resolves, each of them has its answer, or its delivery is revoked and
   * says so by its `signal`. A requeue that is still on its way then would come to nobody who knows of it.
   */
  close(): Promise<void>;
}

/** A subscriber that can hand out several deliveries at once. */
export interface BatchSubscriber<M extends Message = Message> extends Subscriber<M> {
  /**
   * Batches of 1 to `max` deliveries, in order. A batch closes when it is full or `maxWaitMs` after its first
   * delivery; it never waits with nothing in it, and is never empty. The elements are settled one by one.
   */
  batches(options: BatchOptions): AsyncIterable<M[]>;
}

export interface BatchOptions {
  /** A whole number of at least 1. */
  readonly max: number;
  /** Milliseconds from the first delivery of a batch. @default 10 */
  readonly maxWaitMs?: number;
}

/** A subscriber over a log that can be moved. `P` is the broker's own position. */
export interface Seekable<P> {
  /**
   * The next delivery is the one at `position`. What is in flight of the log that moves is revoked by this and answers
   * `DeliveryRevokedError`, wherever it is held: subscribers that share a position move together.
   * A position the log does not hold rejects with `PositionUnavailableError` and moves nothing.
   */
  seek(position: P): Promise<void>;
}

/** A message that knows its position: seeking to it delivers exactly this message again. */
export interface Positioned<P> {
  readonly position: P;
}

/** A subscriber whose fetching can be held. What is here already is still handed out. */
export interface Pausable {
  readonly paused: boolean;
  pause(): void;
  resume(): void;
}

/** A message of a partitioned topic. Order holds within a partition. */
export interface Partitioned {
  readonly partition: number;
}
