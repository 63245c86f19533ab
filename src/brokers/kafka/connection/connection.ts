import { randomUUID } from "node:crypto";
import type {
  Connection,
  ConnectionState,
  DescribeServer,
  PatternSubscribe,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { ConnectionClosedError } from "../../../traits/errors.ts";
import { setHome, setReach } from "../../../traits/reach.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import type { CreateAssigner } from "../client.ts";
import { createAssigners } from "../consumer/assigners/assigners.ts";
import { manualAssigner } from "../consumer/assigners/manual-assigner.ts";
import type { Ownership } from "../consumer/assigners/sticky-assigner.ts";
import { capabilitiesOf, KafkaSubscriber } from "../consumer/subscriber.ts";
import { Subscription } from "../consumer/subscription.ts";
import { MissingPartition } from "../errors.ts";
import { callOf, checkPattern, checkTopics } from "../message/topics.ts";
import { checkPublisherOptions, type KafkaPublisherOptions } from "../options/publisher.ts";
import {
  type CheckedSubscribeOptions,
  checkPatternOptions,
  checkSubscribeOptions,
  type KafkaSubscribeOptions,
} from "../options/subscription.ts";
import { KafkaPublisher } from "../publisher/publisher.ts";
import type { Cluster } from "../topology/cluster.ts";
import { TopicMetadata } from "../topology/topology.ts";
import type { Outages } from "./outages.ts";

/** What to subscribe to. */
interface Target {
  readonly name: string;
  readonly topics: (over: () => boolean) => Promise<readonly string[]>;
  readonly isPattern: boolean;
  readonly covers: (topic: string) => boolean;
}

/**
 * A connection to a Kafka cluster. Each subscription, and each publisher with options, has network connections of
 * its own.
 */
export class KafkaConnection
  extends ClosableConnection
  implements Connection, DescribeServer, Subscribe<KafkaSubscriber>, PatternSubscribe<RegExp, KafkaSubscriber>
{
  readonly #cluster: Cluster;
  readonly #outages: Outages;
  readonly #description: ServerDescription;
  readonly #subscriptions = new Set<Subscription>();
  readonly #publishers = new Set<KafkaPublisher>();
  /** The one of `publisher()` without options. */
  #publisher: KafkaPublisher | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(cluster: Cluster, outages: Outages, description: ServerDescription) {
    super();
    this.#cluster = cluster;
    this.#outages = outages;
    this.#description = description;
  }

  get state(): ConnectionState {
    if (this.#closing !== undefined) return "closed";
    return this.#outages.any ? "reconnecting" : "open";
  }

  describe(): ServerDescription {
    return this.#description;
  }

  /**
   * A publisher. Without options it is always the same one. Throws `NotSupportedError` if kafkajs has no codec for
   * the compression.
   */
  publisher(options?: KafkaPublisherOptions): KafkaPublisher {
    if (options === undefined && this.#publisher) return this.#publisher;
    const publisher = new KafkaPublisher(
      this.#cluster,
      checkPublisherOptions(options ?? {}, this.#cluster.module),
    );
    setHome(publisher, this.#cluster);
    if (this.#closing !== undefined) void publisher.close();
    else this.#publishers.add(publisher);
    if (options === undefined) this.#publisher = publisher;
    return publisher;
  }

  /** Subscribes to one topic or several, or opens a source and gives its subscriber. */
  subscribe(topics: string | readonly string[], options?: KafkaSubscribeOptions): Promise<KafkaSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<KafkaConnection, S>): Promise<S>;
  async subscribe(
    target: string | readonly string[] | SubscriptionSource<KafkaConnection>,
    options: KafkaSubscribeOptions = {},
  ): Promise<Subscriber> {
    this.#check("subscribe()");
    if (typeof target === "object" && target !== null && "open" in target) return target.open(this);
    const topics = checkTopics("subscribe(topics)", target);
    const checked = checkSubscribeOptions(callOf("connection.subscribe", topics), options);
    const metadata = new TopicMetadata(this.#cluster, checked.create);
    return this.#open(
      {
        name: topics.join(","),
        topics: async (over) => {
          for (const topic of topics) {
            const count = await metadata.lookUp(topic, over);
            const absent = checked.partitions?.find((partition) => partition >= count);
            if (absent !== undefined) throw new MissingPartition(topic, absent, count);
          }
          return topics;
        },
        isPattern: false,
        covers: (topic) => topics.includes(topic),
      },
      checked,
    );
  }

  /** Subscribes to every topic whose name the pattern matches, later ones too. */
  async subscribePattern(pattern: RegExp, options: KafkaSubscribeOptions = {}): Promise<KafkaSubscriber> {
    this.#check("subscribePattern()");
    const checked = checkPattern("subscribePattern(pattern)", pattern);
    const call = `connection.subscribePattern(${checked}, options)`;
    const metadata = new TopicMetadata(this.#cluster);
    const topics = async (over: () => boolean): Promise<readonly string[]> => {
      const all = await metadata.list(over);
      return all.filter((topic) => checked.test(topic)).sort();
    };
    const covers = (topic: string): boolean => checked.test(topic);
    const target = { name: String(checked), topics, isPattern: true, covers };
    return this.#open(target, checkPatternOptions(call, options));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(target: Target, options: CheckedSubscribeOptions): Promise<KafkaSubscriber> {
    const { name } = target;
    const cluster = this.#cluster;
    const subscription = new Subscription({
      cluster,
      options,
      name,
      groupId: options.group ?? `tidelane-${randomUUID()}`,
      assigners: (owned) => this.#assigners(options, owned),
      topics: target.topics,
      refreshMs: target.isPattern ? options.patternRefreshMs : undefined,
      ended: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    try {
      await subscription.open();
    } catch (error) {
      this.#check("subscribe()");
      throw error;
    }
    const subscriber = new KafkaSubscriber(name, capabilitiesOf(options), subscription, cluster.clock);
    return setReach(subscriber, cluster, target.covers);
  }

  #assigners(
    { partitions, partitionAssigners }: CheckedSubscribeOptions,
    owned: () => Ownership,
  ): readonly [CreateAssigner, ...CreateAssigner[]] {
    const { module } = this.#cluster;
    if (partitions) return [manualAssigner(module.AssignerProtocol, partitions)];
    return createAssigners(partitionAssigners, module, owned);
  }

  #check(during: string): void {
    if (this.#closing !== undefined)
      throw new ConnectionClosedError({ broker: this.#cluster.broker, during });
  }

  async #close(): Promise<void> {
    const reason = "its connection was closed";
    await Promise.all([
      ...Array.from(this.#subscriptions, (subscription) => subscription.close(reason)),
      ...Array.from(this.#publishers, (publisher) => publisher.close()),
    ]);
    await this.#cluster.admin.close(this.#cluster.closeTimeoutMs);
  }
}
