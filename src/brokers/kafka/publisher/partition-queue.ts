import { Fifo } from "../../../structures/fifo.ts";
import type { ClientMessage } from "../client.ts";
import { dropOver, type PendingRecord } from "./pending-record.ts";

export interface PartitionQueueOptions {
  /** Bytes of one batch; a larger message goes alone. */
  readonly maxBatchBytes: number;
  /** Sends a batch. Rejects with what those who published are to be told. */
  readonly send: (messages: ClientMessage[]) => Promise<void>;
  /** A batch goes out. */
  readonly sending: () => void;
}

const maxBatchRecords = 10_000;

/**
 * Records to send to one partition, in the order of the calls. It sends one batch at a time; records that arrive meanwhile
 * go into the next. The server confirms a batch as a whole, because one partition is on one server.
 */
export class PartitionQueue {
  readonly #options: PartitionQueueOptions;
  readonly #waiting = new Fifo<PendingRecord>();
  #sending: readonly PendingRecord[] = [];
  #running = false;

  constructor(options: PartitionQueueOptions) {
    this.#options = options;
  }

  push(record: PendingRecord): void {
    dropOver(this.#waiting);
    this.#waiting.push(record);
    if (!this.#running) void this.#run();
  }

  /** Rejects all that waits. `sent`: also what is on its way. */
  rejectAll(error: unknown, sent: boolean): void {
    if (sent) for (const record of this.#sending) record.reject(error);
    for (let first = this.#waiting.shift(); first; first = this.#waiting.shift()) first.reject(error);
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What is published in the same breath goes in the same batch.
    await Promise.resolve();
    for (;;) {
      const batch = this.#nextBatch();
      if (batch.length === 0) break;
      this.#sending = batch;
      this.#options.sending();
      try {
        await this.#options.send(batch.map(({ message }) => message));
        for (const record of batch) record.resolve();
      } catch (error) {
        for (const record of batch) record.reject(error);
      }
      this.#sending = [];
    }
    this.#running = false;
  }

  #nextBatch(): PendingRecord[] {
    const batch: PendingRecord[] = [];
    let bytes = 0;
    for (let first = this.#waiting.peek(); first; first = this.#waiting.peek()) {
      if (!first.over) {
        bytes += first.bytes;
        if (batch.length > 0 && (bytes > this.#options.maxBatchBytes || batch.length === maxBatchRecords))
          break;
        batch.push(first);
      }
      this.#waiting.shift();
    }
    return batch;
  }
}
