import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { sleep } from "../../../traits/clock.ts";
import { TransactionError, throwIfAborted } from "../../../traits/errors.ts";
import type { Publisher, PublishOptions } from "../../../traits/publisher.ts";
import { within } from "../../shared/within.ts";
import type { ClientProducer, ClientTransaction } from "../client.ts";
import { faultOf } from "../errors.ts";
import type { KafkaMessage, RecordPartition } from "../message/message.ts";
import { type KafkaOutgoingMessage, toClientMessage } from "../message/outgoing.ts";
import type { CheckedPublisherOptions } from "../options/publisher.ts";
import type { Cluster } from "../topology/cluster.ts";
import type { TopicMetadata } from "../topology/topology.ts";
import { RecordAccumulator } from "./accumulator.ts";
import { partitioners } from "./partitioners.ts";

/** The publisher inside a transaction. */
export interface KafkaTransaction extends Publisher {
  publish(message: KafkaOutgoingMessage, options?: PublishOptions): Promise<void>;
}

/** Options of `publisher.transaction(work, options)`. */
export interface KafkaTransactionOptions extends PublishOptions {
  /**
   * Deliveries that the commit settles: it also moves the offsets of their group. So they are done if and only if
   * the transaction is visible. No earlier delivery of their partitions may be unsettled. If the transaction does
   * not commit, they stay unsettled.
   */
  readonly consumed?: readonly KafkaMessage[];
}

export interface TransactionContext {
  readonly cluster: Cluster;
  readonly options: CheckedPublisherOptions;
  readonly metadata: TopicMetadata;
  readonly capabilities: PublisherCapabilities;
  readonly create: (transactionalId: string) => ClientProducer;
}

/** The server answers a commit before it has carried it out, and until then refuses the next transaction. */
const retryMs = 20;
const retries = 500;

/** One transaction: collects what is published inside, then commits or aborts. */
export class Transaction {
  readonly #context: TransactionContext;
  readonly #client: ClientTransaction;
  readonly #accumulator: RecordAccumulator;
  readonly #published: Promise<void>[] = [];
  /** What could not be published. */
  #failure: { readonly error: unknown } | undefined = undefined;
  #over = false;

  constructor(context: TransactionContext, client: ClientTransaction) {
    const { cluster, metadata, options } = context;
    const { acks, compression } = options;
    this.#context = context;
    this.#client = client;
    this.#accumulator = new RecordAccumulator({
      cluster,
      metadata,
      maxBatchBytes: options.maxBatchBytes,
      partitioner: partitioners[options.partitioner],
      timeoutMs: options.publishTimeoutMs,
      send: async (topic, messages) => {
        await client.send({ topic, messages, acks, compression });
      },
    });
  }

  /** Runs `work`, and waits until all it published is there. Rejects with what `work` threw, or with `TransactionError`. */
  async collect<T>(work: (publisher: KafkaTransaction) => Promise<T>): Promise<T> {
    const publisher: KafkaTransaction = {
      capabilities: { ...this.#context.capabilities, transactions: false },
      publish: (message, options) => this.#publish(message, options),
    };
    try {
      const result = await work(publisher);
      this.#over = true;
      await Promise.all(this.#published);
      if (this.#failure) {
        throw new TransactionError({
          reason: "a message could not be published",
          cause: this.#failure.error,
        });
      }
      return result;
    } finally {
      this.#over = true;
    }
  }

  /** Has the offsets of a group move with the commit. */
  async addOffsets(groupId: string, offsets: ReadonlyMap<RecordPartition, number>): Promise<void> {
    const topics = Array.from(offsets, ([{ topic, id }, offset]) => ({
      topic,
      partitions: [{ partition: id, offset: String(offset), metadata: null }],
    }));
    await retryWhileConcurrent(this.#context.cluster, () =>
      this.#client.sendOffsets({ consumerGroupId: groupId, topics }),
    );
  }

  commit(): Promise<void> {
    return this.#client.commit();
  }

  /**
   * What was published before gets `waitMs` to be answered: sent to a transaction that is over it would be in the
   * next. Rejects with an error of kafkajs; what was sent is invisible all the same, once the server has given it up.
   */
  async abort(error: unknown, waitMs: number): Promise<void> {
    this.#over = true;
    await within(this.#context.cluster.clock, waitMs, Promise.all(this.#published));
    this.#accumulator.rejectAll(new TransactionError({ reason: "it was aborted", cause: error }), true);
    await this.#client.abort();
  }

  #publish(message: KafkaOutgoingMessage, options: PublishOptions | undefined): Promise<void> {
    try {
      if (this.#over) {
        throw new TransactionError({
          reason: "a message was published with its publisher after its end",
        });
      }
      throwIfAborted(options?.signal, "publish()");
      const checked = toClientMessage(message, this.#context.capabilities);
      const confirmed = this.#accumulator.append(checked.topic, checked.message, options?.signal);
      this.#published.push(
        confirmed.catch((error: unknown) => {
          this.#failure ??= { error };
        }),
      );
      return confirmed;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** Asks again while the server is busy with the end of the transaction before. */
export async function retryWhileConcurrent<T>(cluster: Cluster, ask: () => Promise<T>): Promise<T> {
  for (let left = retries; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || faultOf(error, cluster.secrets).type !== "CONCURRENT_TRANSACTIONS") throw error;
      await sleep(cluster.clock, retryMs);
    }
  }
}
