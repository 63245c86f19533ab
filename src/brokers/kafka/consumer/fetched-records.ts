import { Fifo } from "../../../structures/fifo.ts";
import type { ClientRecord } from "../client.ts";

interface FetchedBatch {
  readonly records: readonly ClientRecord[];
  /** The next to deliver. */
  index: number;
  /** The offset after everything the batch stands for. */
  end: number;
}

/** Records of one partition that are fetched and not delivered yet. */
export class FetchedRecords {
  /** No batch in it is used up. */
  readonly #batches = new Fifo<FetchedBatch>();
  #last: FetchedBatch | undefined = undefined;
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  push(records: readonly ClientRecord[], end: number): void {
    const batch = { records, index: 0, end };
    this.#batches.push(batch);
    this.#last = batch;
    this.#size += records.length;
    for (const record of records) this.#bytes += sizeOf(record);
  }

  /** Nothing follows the last batch up to `end`. Returns false if no batch is left that could say so later. */
  extendTo(end: number): boolean {
    if (this.#last === undefined) return false;
    this.#last.end = end;
    return true;
  }

  peek(): ClientRecord | undefined {
    const batch = this.#batches.peek();
    return batch?.records[batch.index];
  }

  /** Removes the next record. Returns the end of its batch if the record was the last of it. */
  shift(): number | undefined {
    const batch = this.#batches.peek();
    const record = batch?.records[batch.index];
    if (batch === undefined || record === undefined) return undefined;
    this.#size -= 1;
    this.#bytes -= sizeOf(record);
    batch.index += 1;
    if (batch.index < batch.records.length) return undefined;
    this.#batches.shift();
    if (batch === this.#last) this.#last = undefined;
    return batch.end;
  }

  clear(): void {
    this.#batches.clear();
    this.#last = undefined;
    this.#size = 0;
    this.#bytes = 0;
  }
}

function sizeOf({ key, value }: ClientRecord): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
}
