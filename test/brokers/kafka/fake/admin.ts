import type { ClientAdmin, PartitionOffset } from "../../../../src/brokers/kafka/client.ts";
import { type FakeCluster, FakeKafkaError, type FakeLog } from "./cluster.ts";

export class FakeAdmin implements ClientAdmin {
  readonly #cluster: FakeCluster;
  /** How often a topic that was just made is not seen yet. */
  readonly #hidden = new Map<string, number>();
  connected = false;

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  async connect(): Promise<void> {
    this.#cluster.check();
    this.connected = true;
  }

  async disconnect(): Promise<void> {
    this.connected = false;
  }

  async listTopics(): Promise<string[]> {
    this.#cluster.check();
    return [...this.#cluster.topics.keys(), "__consumer_offsets"];
  }

  async createTopics({ topics }: Parameters<ClientAdmin["createTopics"]>[0]): Promise<boolean> {
    this.#cluster.check();
    const { creations, topics: existing, refusal, hiddenFor } = this.#cluster;
    creations.push(...topics);
    // As kafkajs does it: an error for each topic, in one that says nothing.
    if (refusal) throw Object.assign(new Error("Topic creation errors"), { errors: [refusal] });
    const absent = topics.filter(({ topic }) => !existing.has(topic));
    for (const { topic, numPartitions } of absent) {
      this.#cluster.createTopic(topic, Math.max(1, numPartitions));
      this.#hidden.set(topic, hiddenFor);
    }
    return absent.length > 0;
  }

  async describeCluster(): Promise<{ brokers: unknown[] }> {
    this.#cluster.check();
    return { brokers: [{}] };
  }

  async fetchTopicMetadata({ topics }: { topics: string[] }) {
    this.#cluster.check();
    for (const topic of topics) {
      const left = this.#hidden.get(topic) ?? 0;
      this.#hidden.set(topic, left - 1);
      if (left > 0) throw new FakeKafkaError("UNKNOWN_TOPIC_OR_PARTITION", { retriable: true });
    }
    return {
      topics: topics.map((name) => ({
        name,
        partitions: this.#logs(name).map((_log, partitionId) => ({ partitionId })),
      })),
    };
  }

  async fetchTopicOffsets(topic: string): Promise<(PartitionOffset & { low: string; high: string })[]> {
    this.#cluster.check();
    return this.#logs(topic).map(({ low, high }, partition) => ({
      partition,
      offset: String(high),
      low: String(low),
      high: String(high),
    }));
  }

  async fetchTopicOffsetsByTimestamp(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    this.#cluster.check();
    return this.#logs(topic).map((log, partition) => ({ partition, offset: String(log.atTime(timestamp)) }));
  }

  async fetchOffsets({ groupId, topics }: { groupId: string; topics: string[] }) {
    this.#cluster.check();
    const { committed, metadata } = this.#cluster.group(groupId);
    return topics.map((topic) => ({
      topic,
      partitions: this.#logs(topic).map((_log, partition) => ({
        partition,
        offset: String(committed.get(`${topic}/${partition}`) ?? -1),
        metadata: metadata.get(`${topic}/${partition}`) ?? null,
      })),
    }));
  }

  #logs(topic: string): FakeLog[] {
    const logs = this.#cluster.topics.get(topic);
    if (logs === undefined) throw new FakeKafkaError("UNKNOWN_TOPIC_OR_PARTITION", { retriable: true });
    return logs;
  }
}
