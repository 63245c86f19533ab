import type { ClientAdmin, PartitionOffset } from "../../../../src/brokers/kafka/client.ts";
import { type FakeCluster, FakeKafkaError, type FakeLog } from "./cluster.ts";

export class FakeAdmin implements ClientAdmin {
  readonly #cluster: FakeCluster;
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

  async createTopics({ topics }: { topics: { topic: string }[] }): Promise<boolean> {
    this.#cluster.check();
    for (const { topic } of topics) this.#cluster.createTopic(topic);
    return true;
  }

  async describeCluster(): Promise<{ brokers: unknown[] }> {
    this.#cluster.check();
    return { brokers: [{}] };
  }

  async fetchTopicMetadata({ topics }: { topics: string[] }) {
    this.#cluster.check();
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
