import type { ClientRecord } from "./client.ts";
import { plain } from "./headers.ts";
import type { KafkaMessage } from "./message.ts";
import type { Partition } from "./partition.ts";
import { tombstone } from "./tombstone.ts";
import type { Slot } from "./watermark.ts";

/** A record from its first delivery until the group's offset has passed it, over any number of deliveries. */
export class KafkaRecord implements Slot {
  readonly partition: Partition;
  readonly raw: ClientRecord;
  readonly offset: number;
  deliveries: number;
  done = false;
  /** The delivery that is out, until it is settled or lost. */
  message: KafkaMessage | undefined = undefined;
  #payload: Uint8Array | undefined = undefined;
  /** While it waits for a delayed delivery: when that is due, on the clock. */
  dueMs = 0;

  constructor(partition: Partition, raw: ClientRecord, offset: number, deliveries: number) {
    this.partition = partition;
    this.raw = raw;
    this.offset = offset;
    this.deliveries = deliveries;
  }

  get payload(): Uint8Array {
    const { value } = this.raw;
    if (value === null) return tombstone;
    this.#payload ??= plain(value);
    return this.#payload;
  }
}
