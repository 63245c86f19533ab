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
 * A subscription to topics of Kafka. Records of one partition come in the order of its log. A requeued one comes before
 * those not yet delivered, and holds the group's committed offset until it is settled.
 */
export class KafkaSubscriber implements BatchSubscriber<KafkaMessage>, Seekable<KafkaPosition>, Pausable {
  /** The topic, the topics with commas, or the pattern. */
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

  /** The partitions this member of the group has now; none while they move. */
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

  /** Stops fetching from every partition. Fetched records are still delivered, and this member stays in its group. */
  pause(): void {
    this.#subscription.pause();
  }

  resume(): void {
    this.#subscription.resume();
  }

  /**
   * Moves the partitions of this member. What is out of them is revoked, delivery counts begin again, and the group's
   * committed offset moves along. A record of a partition that another member has cannot be sought.
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
