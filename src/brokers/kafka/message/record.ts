import type { ClientRecord } from "../client.ts";
import type { Slot } from "../consumer/offsets/watermark.ts";
import type { Partition } from "../consumer/partition.ts";
import type { KafkaMessage } from "./message.ts";

/** A record from its first delivery until the group's offset has passed it, over any number of deliveries. */
export class KafkaRecord implements Slot {
  readonly partition: Partition;
  /** As kafkajs gave it; let go of when it is done. */
  raw: ClientRecord | undefined;
  readonly offset: number;
  deliveries: number;
  done = false;
  /** The delivery that is out, until it is settled or lost. */
  message: KafkaMessage | undefined = undefined;
  /** While it waits for a delayed delivery: when that is due, on the clock. */
  dueMs = 0;

  constructor(partition: Partition, raw: ClientRecord, offset: number, deliveries: number) {
    this.partition = partition;
    this.raw = raw;
    this.offset = offset;
    this.deliveries = deliveries;
  }
}
