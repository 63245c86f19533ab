import type { Capabilities } from "../../../traits/capabilities.ts";
import type { Clock } from "../../../traits/clock.ts";
import { NotSupportedError } from "../../../traits/errors.ts";
import { settledAtOnce } from "../../../traits/message.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../../traits/subscriber.ts";
import type { MemoryMessage } from "../message/message.ts";
import type { MemoryPosition } from "../options/options.ts";
import type { Group } from "../server/group.ts";
import { seekIn } from "../server/seek.ts";
import type { Topic } from "../server/topic.ts";
import { Batches } from "./batches.ts";
import type { Consumer } from "./consumer.ts";
import { PullIterator } from "./pull-iterator.ts";

/** What a subscriber is opened with: its group, and the one topic it can seek in. */
export interface SubscriberContext {
  readonly consumer: Consumer;
  readonly group: Group;
  /** undefined over a pattern. */
  readonly topic: Topic | undefined;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
}

/**
 * A subscription of the memory broker. It prefetches nothing: a message stays in the group's queue until somebody
 * pulls it.
 */
export class MemorySubscriber implements BatchSubscriber<MemoryMessage>, Seekable<MemoryPosition>, Pausable {
  /** The topic, or the pattern. */
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** The clock of its broker. */
  readonly clock: Clock;
  readonly #context: SubscriberContext;

  /** @internal */
  constructor(context: SubscriberContext) {
    this.topic = context.consumer.topic;
    this.capabilities = context.capabilities;
    this.clock = context.clock;
    this.#context = context;
  }

  [Symbol.asyncIterator](): SubscriberIterator<MemoryMessage> {
    return new PullIterator(this.#context.consumer);
  }

  batches(options: BatchOptions): AsyncIterable<MemoryMessage[]> {
    return new Batches(this.#context.consumer, this.clock, options, this.capabilities.ackDeadlineMs);
  }

  get paused(): boolean {
    return this.#context.consumer.paused;
  }

  /** This subscriber gets nothing more until `resume()`. The rest of its group goes on. */
  pause(): void {
    this.#context.consumer.paused = true;
  }

  resume(): void {
    this.#context.consumer.paused = false;
  }

  /**
   * Moves the whole group, because its subscribers share one position. Their deliveries in flight are revoked, and
   * delivery counts start at 1. `"start"` is the oldest message that is in the log or unsettled; `"end"` skips
   * everything there is. Rejects with `PositionUnavailableError` if the topic no longer has the position, and with
   * `NotSupportedError` over a pattern.
   */
  async seek(position: MemoryPosition): Promise<void> {
    const { consumer, group, topic } = this.#context;
    consumer.checkOpen("seek()");
    if (topic === undefined) {
      throw new NotSupportedError({
        capability: "seek",
        reason: `"${this.topic}" is a pattern, and positions are of one topic`,
      });
    }
    seekIn(topic, group, position);
  }

  close(): Promise<void> {
    this.#context.consumer.close();
    return settledAtOnce;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
