import { Fifo } from "../../../structures/fifo.ts";
import { InvalidMessageError } from "../../../traits/errors.ts";
import type { TopicMetadata } from "../topology/topology.ts";
import { PartitionQueue, type PartitionQueueOptions } from "./partition-queue.ts";
import type { Partitioner } from "./partitioners.ts";
import { dropOver, type PendingRecord } from "./pending-record.ts";

export interface TopicQueueOptions extends Omit<PartitionQueueOptions, "sending"> {
  readonly metadata: TopicMetadata;
  readonly partitioner: Partitioner;
  /** The error of a publish whose topic cannot be looked up. */
  readonly refusal: (error: unknown) => unknown;
}

/** Records to send to one topic. It chooses the partition of each, in the order of the calls. */
export class TopicQueue {
  readonly #topic: string;
  readonly #options: TopicQueueOptions;
  readonly #partitions = new Map<number, PartitionQueue>();
  /** Records without a partition, while the number of partitions is looked up. Later records wait behind them. */
  readonly #unassigned = new Fifo<PendingRecord>();
  #lookingUp = false;
  /** Messages without a key go to one partition until its batch goes out, then to the next. */
  #turn = Math.floor(Math.random() * 0x10000);

  constructor(topic: string, options: TopicQueueOptions) {
    this.#topic = topic;
    this.#options = options;
  }

  push(record: PendingRecord): void {
    const partitions = this.#unassigned.size > 0 ? undefined : this.#options.metadata.known(this.#topic);
    if (partitions !== undefined) {
      this.#assignPartition(record, partitions);
      return;
    }
    dropOver(this.#unassigned);
    this.#unassigned.push(record);
    if (!this.#lookingUp) void this.#lookUp();
  }

  rejectAll(error: unknown, sent: boolean): void {
    for (const record of this.#takeUnassigned()) record.reject(error);
    for (const queue of this.#partitions.values()) queue.rejectAll(error, sent);
  }

  async #lookUp(): Promise<void> {
    this.#lookingUp = true;
    try {
      const partitions = await this.#options.metadata.lookUp(this.#topic, () => {
        dropOver(this.#unassigned);
        return this.#unassigned.size === 0;
      });
      for (const record of this.#takeUnassigned()) this.#assignPartition(record, partitions);
    } catch (error) {
      const refusal = this.#options.refusal(error);
      for (const record of this.#takeUnassigned()) record.reject(refusal);
    }
    this.#lookingUp = false;
  }

  #takeUnassigned(): PendingRecord[] {
    const pending = [...this.#unassigned];
    this.#unassigned.clear();
    return pending;
  }

  #assignPartition(record: PendingRecord, partitions: number): void {
    if (record.over) return;
    const { message } = record;
    if (message.partition === undefined) {
      const { key } = message;
      const chosen = key === null ? undefined : this.#options.partitioner(key, partitions);
      message.partition = chosen ?? this.#turn % partitions;
    }
    if (message.partition < partitions) {
      this.#partition(message.partition).push(record);
      return;
    }
    const reason = `partition ${message.partition} was asked for, and the topic has 0 to ${partitions - 1}`;
    record.reject(new InvalidMessageError({ topic: this.#topic, reason }));
  }

  #partition(partition: number): PartitionQueue {
    let queue = this.#partitions.get(partition);
    if (queue === undefined) {
      const sending = (): void => {
        this.#turn += 1;
      };
      queue = new PartitionQueue({ ...this.#options, sending });
      this.#partitions.set(partition, queue);
    }
    return queue;
  }
}
