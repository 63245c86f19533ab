import { TimeoutError } from "../../../traits/errors.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { ClientHeaders, ClientMessage } from "../client.ts";
import { publishError } from "../errors.ts";
import type { Cluster } from "../topology/cluster.ts";
import type { TopicMetadata } from "../topology/topology.ts";
import { PendingRecord } from "./partition-queue.ts";
import type { Partitioner } from "./partitioners.ts";
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
export class RecordAccumulator {
  readonly #options: AccumulatorOptions;
  readonly #topics = new Map<string, TopicQueue>();
  readonly #alarm: Alarm;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.cluster.clock, () => this.#expire());
  }

  /** Resolves when the server has confirmed the record. */
  append(topic: string, message: ClientMessage, signal: AbortSignal | undefined): Promise<void> {
    const dueMs = this.#options.cluster.clock.now() + this.#options.timeoutMs;
    this.#alarm.at(dueMs);
    return new Promise((resolve, reject) => {
      const record = new PendingRecord(message, sizeOf(message), dueMs, signal, { resolve, reject });
      this.#topic(topic).push(record);
    });
  }

  /** Rejects all waiting records. `sent`: also those under way. */
  rejectAll(error: unknown, sent: boolean): void {
    for (const topic of this.#topics.values()) topic.rejectAll(error, sent);
    if (sent) this.#alarm.cancel();
  }

  /** Whether anything waits. */
  get busy(): boolean {
    for (const { dueMs } of this.#topics.values()) if (dueMs !== undefined) return true;
    return false;
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

  #expire(): void {
    const { cluster, timeoutMs } = this.#options;
    const now = cluster.clock.now();
    let next: number | undefined;
    for (const [topic, queue] of this.#topics) {
      queue.expire(now, () => new TimeoutError({ what: `The publish to "${topic}"`, timeoutMs }));
      const { dueMs } = queue;
      if (dueMs !== undefined && (next === undefined || dueMs < next)) next = dueMs;
    }
    if (next !== undefined) this.#alarm.at(next);
  }
}

/** What a record takes beside its key, value and headers, at most. */
const recordOverhead = 32;

function sizeOf({ key, value, headers }: ClientMessage): number {
  return recordOverhead + (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + sizeOfHeaders(headers);
}

function sizeOfHeaders(headers: ClientHeaders): number {
  let bytes = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    for (const one of Array.isArray(value) ? value : [value ?? ""]) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(one) + 8;
    }
  }
  return bytes;
}
