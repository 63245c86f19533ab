import type {
  ClientMessage,
  ClientProducer,
  ClientTransaction,
  PartitionOffset,
  ProducerConfig,
  SendRequest,
} from "../../../../src/brokers/kafka/client.ts";
import { type FakeCluster, FakeKafkaError } from "./cluster.ts";

export class FakeProducer implements ClientProducer {
  readonly config: ProducerConfig;
  readonly #cluster: FakeCluster;
  connected = false;
  /** Every request, in order. */
  readonly requests: SendRequest[] = [];
  /** What the next sends come to instead of success. */
  readonly failures: Error[] = [];
  /** Sends wait for it. */
  gate: Promise<void> | undefined = undefined;
  readonly transactions: FakeTransaction[] = [];

  constructor(cluster: FakeCluster, config: ProducerConfig) {
    this.#cluster = cluster;
    this.config = config;
  }

  async connect(): Promise<void> {
    this.#cluster.check();
    this.connected = true;
  }

  async disconnect(): Promise<void> {
    this.connected = false;
  }

  async send(request: SendRequest): Promise<void> {
    this.requests.push(request);
    await this.gate;
    this.#cluster.check();
    const failure = this.failures.shift();
    if (failure) throw failure;
    for (const message of request.messages) append(this.#cluster, request.topic, message);
    this.#cluster.wake();
  }

  async transaction(): Promise<FakeTransaction> {
    this.#cluster.check();
    const transaction = new FakeTransaction(this.#cluster, this);
    this.transactions.push(transaction);
    return transaction;
  }
}

export class FakeTransaction implements ClientTransaction {
  readonly #cluster: FakeCluster;
  readonly #producer: FakeProducer;
  readonly #sent: { topic: string; message: ClientMessage }[] = [];
  readonly #offsets: { group: string; key: string; offset: number }[] = [];
  state: "open" | "committed" | "aborted" = "open";
  /** How often the server is still busy with the one before. */
  busy = 0;
  /** What a commit answers, and whether it was carried out all the same. */
  commitFailure: { readonly error: Error; readonly done: boolean } | undefined = undefined;

  constructor(cluster: FakeCluster, producer: FakeProducer) {
    this.#cluster = cluster;
    this.#producer = producer;
  }

  async send(request: SendRequest): Promise<void> {
    this.#producer.requests.push(request);
    const failure = this.#producer.failures.shift();
    if (failure) throw failure;
    for (const message of request.messages) this.#sent.push({ topic: request.topic, message });
  }

  async sendOffsets(given: {
    consumerGroupId: string;
    topics: { topic: string; partitions: PartitionOffset[] }[];
  }): Promise<void> {
    if (this.busy > 0) {
      this.busy -= 1;
      throw new FakeKafkaError("CONCURRENT_TRANSACTIONS", { retriable: true });
    }
    for (const { topic, partitions } of given.topics) {
      for (const { partition, offset } of partitions) {
        this.#offsets.push({
          group: given.consumerGroupId,
          key: `${topic}/${partition}`,
          offset: Number(offset),
        });
      }
    }
  }

  async commit(): Promise<void> {
    if (this.commitFailure === undefined || this.commitFailure.done) this.#carryOut();
    if (this.commitFailure) throw this.commitFailure.error;
    this.state = "committed";
  }

  async abort(): Promise<void> {
    this.state = "aborted";
  }

  #carryOut(): void {
    for (const { topic, message } of this.#sent) append(this.#cluster, topic, message);
    for (const { group, key, offset } of this.#offsets) this.#cluster.group(group).committed.set(key, offset);
    this.#cluster.wake();
  }
}

function append(
  cluster: FakeCluster,
  topic: string,
  { key, value, headers, partition, timestamp }: ClientMessage,
): void {
  const log = cluster.log(topic, partition ?? 0);
  log.append({ key, value, headers, timestamp: Number(timestamp ?? 0) });
}
