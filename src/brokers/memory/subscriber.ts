import type { Capabilities } from "../../traits/capabilities.ts";
import type { Clock } from "../../traits/clock.ts";
import { NotSupportedError } from "../../traits/errors.ts";
import { settledAtOnce } from "../../traits/message.ts";
import { checkOptionNames, optionNames } from "../../traits/option-names.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../traits/subscriber.ts";
import { Batches } from "./batches.ts";
import type { Consumer } from "./consumer.ts";
import type { Group } from "./group.ts";
import type { MemoryMessage } from "./message.ts";
import type { MemoryPosition } from "./options.ts";
import { PullIterator } from "./pull-iterator.ts";
import { seekIn } from "./seek.ts";
import type { Topic } from "./topic.ts";

const batchNames = optionNames<BatchOptions>()({ max: true, maxWaitMs: true });

/** Where a subscriber is opened: its group, and the one topic it can seek in. */
export interface SubscriberPlace {
  readonly consumer: Consumer;
  readonly group: Group;
  /** undefined over a pattern. */
  readonly topic: Topic | undefined;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
}

/** A subscription of the memory broker. Nothing leaves the group's queue until it is asked for. */
export class MemorySubscriber implements BatchSubscriber<MemoryMessage>, Seekable<MemoryPosition>, Pausable {
  /** The topic, or the pattern. */
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** Of its broker. */
  readonly clock: Clock;
  readonly #place: SubscriberPlace;

  /** @internal */
  constructor(place: SubscriberPlace) {
    this.topic = place.consumer.topic;
    this.capabilities = place.capabilities;
    this.clock = place.clock;
    this.#place = place;
  }

  [Symbol.asyncIterator](): SubscriberIterator<MemoryMessage> {
    return new PullIterator(this.#place.consumer);
  }

  batches(options: BatchOptions): AsyncIterable<MemoryMessage[]> {
    checkOptionNames("batches(options)", options, batchNames);
    return new Batches(this.#place.consumer, this.clock, options, this.capabilities.ackDeadlineMs);
  }

  get paused(): boolean {
    return this.#place.consumer.paused;
  }

  /** Deliveries to this subscriber stop; the rest of its group goes on. */
  pause(): void {
    this.#place.consumer.paused = true;
  }

  resume(): void {
    this.#place.consumer.paused = false;
  }

  /**
   * Moves the whole group: its subscribers share one position. What they have in flight is lost, and delivery counts
   * start again at 1. `"start"` is the oldest message that is retained or still owed; `"end"` skips all there is. A
   * position that is not retained rejects with `PositionUnavailableError`; over a pattern it is `NotSupportedError`.
   */
  async seek(position: MemoryPosition): Promise<void> {
    const { consumer, group, topic } = this.#place;
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
    this.#place.consumer.close();
    return settledAtOnce;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
