import { PendingCalls } from "../../shared/pending-calls.ts";
import type { ClientMessage } from "../client.ts";
import { publishError } from "../errors.ts";
import type { Cluster } from "../topology/cluster.ts";
import type { TopicMetadata } from "../topology/topology.ts";
import type { Partitioner } from "./partitioners.ts";
import { PendingRecord, type RecordOwner } from "./pending-record.ts";
import { TopicQueue } from "./topic-queue.ts";

export interface AccumulatorOptions {
  readonly cluster: Cluster;
  readonly metadata: TopicMetadata;
  readonly maxBatchBytes: number;
  readonly partitioner: Partitioner;
  readonly timeoutMs: number;
  /** Sends messages of one partition. Rejects with an error of kafkajs. */
  readonly send: (topic: string, messages: ClientMessage[]) => Promise<void>;
}

/** Records that wait to be sent and confirmed by one producer, with a queue for each topic. */
export class RecordAccumulator implements RecordOwner {
  readonly #options: AccumulatorOptions;
  readonly #topics = new Map<string, TopicQueue>();
  readonly #pending: PendingCalls<PendingRecord, PendingRecord>;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    this.#pending = new PendingCalls(options.cluster.clock);
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  over(record: PendingRecord): void {
    this.#pending.delete(record);
  }

  /** Resolves when the server has confirmed the record. */
  append(topic: string, message: ClientMessage, signal: AbortSignal | undefined): Promise<void> {
    const due = this.#options.cluster.clock.now() + this.timeoutMs;
    return new Promise((resolve, reject) => {
      const call = { due, signal, owner: this };
      const record = new PendingRecord(topic, message, call, { resolve, reject });
      this.#pending.add(record, record);
      this.#topic(topic).push(record);
    });
  }

  /** Rejects all waiting records. `sent`: also those under way. */
  rejectAll(error: unknown, sent: boolean): void {
    for (const topic of this.#topics.values()) topic.rejectAll(error, sent);
  }

  /** Whether anything waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  #topic(name: string): TopicQueue {
    let queue = this.#topics.get(name);
    if (queue === undefined) {
      const { cluster, metadata, maxBatchBytes, partitioner, send } = this.#options;
      const refusal = (error: unknown): unknown => {
        metadata.forget(name);
        return publishError(name, error, cluster.secrets, metadata.creates);
      };
      queue = new TopicQueue(name, {
        metadata,
        maxBatchBytes,
        partitioner,
        refusal,
        send: async (messages) => {
          try {
            await send(name, messages);
          } catch (error) {
            throw refusal(error);
          }
        },
      });
      this.#topics.set(name, queue);
    }
    return queue;
  }
}
