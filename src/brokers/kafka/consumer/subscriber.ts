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
import type { CheckedSubscribeOptions } from "../options.ts";
import { type KafkaPosition, seekIn } from "./seek.ts";
import type { Consumption } from "./subscription.ts";

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
  readonly #consumption: Consumption;

  constructor(topic: string, capabilities: Capabilities, consumption: Consumption, clock: Clock) {
    this.topic = topic;
    this.capabilities = capabilities;
    this.#consumption = consumption;
    this.clock = clock;
  }

  /** The partitions this member of the group has now; none while they move. */
  get assignment(): readonly TopicPartition[] {
    const partitions = this.#consumption.term?.assignment.partitions ?? [];
    return Array.from(partitions, ({ topic, id }) => ({ topic, partition: id }));
  }

  [Symbol.asyncIterator](): SubscriberIterator<KafkaMessage> {
    return this.#consumption.outlet.iterate();
  }

  batches(options: BatchOptions): AsyncIterable<KafkaMessage[]> {
    const consumption = this.#consumption;
    const supply = {
      iterate: () => consumption.outlet.iterate(),
      giveBack: (messages: readonly KafkaMessage[]) => consumption.untake(messages),
      isLive: (message: KafkaMessage) => consumption.isLive(message),
    };
    return new Batches(supply, this.clock, options);
  }

  get paused(): boolean {
    return this.#consumption.paused;
  }

  /** Fetches no more, from any partition. What was fetched is handed out, and the group keeps its members. */
  pause(): void {
    this.#consumption.pause();
  }

  resume(): void {
    this.#consumption.resume();
  }

  /**
   * Moves the partitions of this member. What is out of them is lost, delivery counts begin again, and the group's
   * committed offset moves along. A record of a partition that another member has cannot be sought.
   */
  seek(position: KafkaPosition): Promise<void> {
    return seekIn(this.#consumption, position);
  }

  close(): Promise<void> {
    return this.#consumption.close("its subscriber was closed");
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
