import { TimeoutError } from "../../../traits/errors.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { ClientHeaders, ClientMessage } from "../client.ts";
import { publishError } from "../errors.ts";
import type { Cluster } from "../topology/cluster.ts";
import type { TopicTable } from "../topology/topology.ts";
import { Posting } from "./partition-queue.ts";
import type { Partitioner } from "./partitioners.ts";
import { TopicSender } from "./topic-queue.ts";

export interface PostboxOptions {
  readonly cluster: Cluster;
  readonly table: TopicTable;
  readonly maxBatchBytes: number;
  readonly partitioner: Partitioner;
  readonly timeoutMs: number;
  /** Sends messages of one partition. Rejects with an error of kafkajs. */
  readonly send: (topic: string, messages: ClientMessage[]) => Promise<void>;
}

/** Everything that waits to be confirmed by way of one producer. */
export class Postbox {
  readonly #options: PostboxOptions;
  readonly #topics = new Map<string, TopicSender>();
  readonly #alarm: Alarm;

  constructor(options: PostboxOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.cluster.clock, () => this.#expire());
  }

  /** Resolves when the server has it. */
  post(topic: string, message: ClientMessage, signal: AbortSignal | undefined): Promise<void> {
    const dueMs = this.#options.cluster.clock.now() + this.#options.timeoutMs;
    const posting = new Posting(message, sizeOf(message), dueMs, signal);
    this.#alarm.at(dueMs);
    this.#topic(topic).push(posting);
    return posting.promise;
  }

  /** Rejects all that waits. `sent`: also what is on its way. */
  rejectAll(error: unknown, sent: boolean): void {
    for (const topic of this.#topics.values()) topic.rejectAll(error, sent);
    if (sent) this.#alarm.cancel();
  }

  /** Whether anything waits. */
  get busy(): boolean {
    for (const { dueMs } of this.#topics.values()) if (dueMs !== undefined) return true;
    return false;
  }

  #topic(name: string): TopicSender {
    let sender = this.#topics.get(name);
    if (sender === undefined) {
      const { cluster, table, maxBatchBytes, partitioner, send } = this.#options;
      const refusal = (error: unknown): unknown => {
        table.forget(name);
        return publishError(name, error, cluster.secrets, table.creates);
      };
      sender = new TopicSender(name, {
        table,
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
      this.#topics.set(name, sender);
    }
    return sender;
  }

  #expire(): void {
    const { cluster, timeoutMs } = this.#options;
    const now = cluster.clock.now();
    let next: number | undefined;
    for (const [topic, sender] of this.#topics) {
      sender.expire(now, () => new TimeoutError({ what: `The publish to "${topic}"`, timeoutMs }));
      const { dueMs } = sender;
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
