import type { Capabilities } from "../../../traits/capabilities.ts";
import type { Clock } from "../../../traits/clock.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../../traits/subscriber.ts";
import { Batches } from "../../shared/batches.ts";
import type { KafkaMessage } from "../message/message.ts";
import type { CheckedSubscribeOptions } from "../options/subscription.ts";
import { type KafkaPosition, seekIn } from "./seek.ts";
import type { Subscription } from "./subscription.ts";

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A subscription to topics of Kafka. The records of a partition come in the order of its log. A requeued record
 * comes before those that were not delivered yet, and the committed offset waits until it is settled.
 */
export class KafkaSubscriber implements BatchSubscriber<KafkaMessage>, Seekable<KafkaPosition>, Pausable {
  /** The topic, several topics with commas, or the pattern. */
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly #subscription: Subscription;

  constructor(topic: string, capabilities: Capabilities, subscription: Subscription, clock: Clock) {
    this.topic = topic;
    this.capabilities = capabilities;
    this.#subscription = subscription;
    this.clock = clock;
  }

  /** The partitions that this member has now; none during a rebalance. */
  get assignment(): readonly TopicPartition[] {
    const partitions = this.#subscription.generation?.assignment.partitions ?? [];
    return Array.from(partitions, ({ topic, id }) => ({ topic, partition: id }));
  }

  [Symbol.asyncIterator](): SubscriberIterator<KafkaMessage> {
    return this.#subscription.outlet.iterate();
  }

  batches(options: BatchOptions): AsyncIterable<KafkaMessage[]> {
    const subscription = this.#subscription;
    const supply = {
      iterate: () => subscription.outlet.iterate(),
      giveBack: (messages: readonly KafkaMessage[]) => subscription.untake(messages),
      isLive: (message: KafkaMessage) => subscription.isLive(message),
    };
    return new Batches(supply, this.clock, options);
  }

  get paused(): boolean {
    return this.#subscription.paused;
  }

  /**
   * Stops fetching from every partition until `resume()`. Fetched records are still delivered, and the member stays
   * in its group.
   */
  pause(): void {
    this.#subscription.pause();
  }

  resume(): void {
    this.#subscription.resume();
  }

  /**
   * Moves the partitions of this member, and the group's committed offsets with them. Deliveries in flight from
   * them are revoked, and their delivery counts start at 1. Rejects with `PositionUnavailableError`, and moves
   * nothing, if the log does not hold the position or another member has the partition.
   */
  seek(position: KafkaPosition): Promise<void> {
    return seekIn(this.#subscription, position);
  }

  close(): Promise<void> {
    return this.#subscription.close("its subscriber was closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a subscription with these options promises. */
export function capabilitiesOf(options: CheckedSubscribeOptions): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "local",
    deliveryCount: "process",
    order: "partition",
    partitionKey: true,
    groups: true,
    backlog: options.from !== "new",
    maxInFlight: options.maxInFlight,
    deadLetter: false,
    batches: true,
    seek: true,
    pause: true,
  };
}
