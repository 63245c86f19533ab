import { checkFunction, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { ConnectionClosedError, throwIfAborted } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import type { PublishOptions, TransactionalPublisher } from "../../../traits/publisher.ts";
import { abortable } from "../../shared/abortable.ts";
import { within } from "../../shared/within.ts";
import type { ClientMessage, ProducerConfig } from "../client.ts";
import { publishError } from "../errors.ts";
import { checkKafkaTopic, type KafkaOutgoingMessage, toClientMessage } from "../message/outgoing.ts";
import { type CheckedPublisherOptions, publisherCapabilities } from "../options/publisher.ts";
import type { Cluster } from "../topology/cluster.ts";
import { TopicMetadata } from "../topology/topology.ts";
import { RecordAccumulator } from "./accumulator.ts";
import { partitioners } from "./partitioners.ts";
import { ReconnectingProducer } from "./producer.ts";
import type { KafkaTransaction, KafkaTransactionOptions } from "./transaction.ts";
import { Transactions } from "./transactions.ts";

const transactionOptionNames = optionNames<KafkaTransactionOptions>()({ consumed: true, signal: true });

/** Publishes with a producer of its own. tidelane sends the calls of one turn of the event loop together. */
export class KafkaPublisher implements TransactionalPublisher {
  readonly capabilities: PublisherCapabilities;
  readonly #cluster: Cluster;
  readonly #options: CheckedPublisherOptions;
  readonly #metadata: TopicMetadata;
  readonly #producer: ReconnectingProducer;
  readonly #accumulator: RecordAccumulator;
  readonly #transactions: Transactions;
  #closed = false;

  constructor(cluster: Cluster, options: CheckedPublisherOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.capabilities = publisherCapabilities(options, cluster.maxPayloadBytes);
    this.#metadata = new TopicMetadata(cluster, options.create);
    this.#producer = new ReconnectingProducer(cluster, () =>
      cluster.createClient().producer(this.#producerConfig()),
    );
    this.#accumulator = new RecordAccumulator({
      cluster,
      metadata: this.#metadata,
      maxBatchBytes: options.maxBatchBytes,
      partitioner: partitioners[options.partitioner],
      timeoutMs: options.publishTimeoutMs,
      send: (topic, messages) => this.#send(topic, messages),
    });
    this.#transactions = new Transactions({
      cluster,
      options,
      metadata: this.#metadata,
      capabilities: this.capabilities,
      create: (transactionalId) =>
        cluster.createClient().producer({
          ...this.#producerConfig(),
          idempotent: true,
          transactionalId,
          transactionTimeout: options.transactionTimeoutMs,
        }),
    });
  }

  publish(message: KafkaOutgoingMessage, options?: PublishOptions): Promise<void> {
    try {
      this.#check("publish()");
      throwIfAborted(options?.signal, "publish()");
      const checked = toClientMessage(message, this.capabilities);
      return this.#accumulator.append(checked.topic, checked.message, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Asks the server for the topic, and creates it if `create` says so. If the topic does not exist, it rejects with
   * a `PublishFailedError` that is not retryable.
   */
  async checkTopic(topic: string, options?: PublishOptions): Promise<void> {
    this.#check("checkTopic()");
    throwIfAborted(options?.signal, "checkTopic()");
    checkKafkaTopic(topic);
    const { clock, secrets } = this.#cluster;
    const dueMs = clock.now() + this.#options.publishTimeoutMs;
    const over = (): boolean => this.#closed || options?.signal?.aborted === true || clock.now() >= dueMs;
    const found = this.#metadata.lookUp(topic, over).catch((error: unknown) => {
      this.#check("checkTopic()");
      throw publishError(topic, error, secrets, this.#metadata.creates);
    });
    await abortable(found, options?.signal, "checkTopic()");
  }

  /**
   * Runs `work`, and commits what it published with the publisher it gets. If `work` throws, it aborts, and rejects
   * with what `work` threw. If the commit fails, it rejects with `TransactionError`. Up to 16 transactions may
   * overlap. Each has a network connection of its own, which later transactions use again.
   */
  async transaction<T>(
    work: (publisher: KafkaTransaction) => Promise<T>,
    options: KafkaTransactionOptions = {},
  ): Promise<T> {
    checkFunction("transaction(work)", work);
    checkObject("options", options);
    checkOptionNames("publisher.transaction(work, options)", options, transactionOptionNames);
    this.#check("transaction()");
    throwIfAborted(options.signal, "transaction()");
    return this.#transactions.run(work, options);
  }

  /** For the connection: waits a bounded time for records on their way, and rejects all others. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { clock, closeTimeoutMs } = this.#cluster;
    this.#accumulator.rejectAll(this.#closedError("publish()"), false);
    const producers = Promise.all([this.#producer.close(closeTimeoutMs), this.#transactions.close()]);
    await within(clock, closeTimeoutMs, producers);
    this.#accumulator.rejectAll(this.#closedError("publish()"), true);
  }

  async #send(topic: string, messages: ClientMessage[]): Promise<void> {
    const { acks, compression } = this.#options;
    await this.#producer.connect(() => this.#closed || !this.#accumulator.busy);
    await this.#producer.use((producer) => producer.send({ topic, messages, acks, compression }));
  }

  #producerConfig(): ProducerConfig {
    return {
      // The partition was chosen already: a retry must not choose another.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
      idempotent: this.#options.idempotent,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 10 },
    };
  }

  #check(during: string): void {
    if (this.#closed) throw this.#closedError(during);
  }

  #closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.#cluster.broker, during });
  }
}
