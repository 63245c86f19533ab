import type { MessageHeaders } from "../../../traits/headers.ts";
import { Message } from "../../../traits/message.ts";
import type { Partitioned, Positioned } from "../../../traits/subscriber.ts";
import type { ClientRecord } from "../client.ts";
import { headersFrom, plain } from "./headers.ts";
import { keyText } from "./text.ts";
import { tombstone } from "./tombstone.ts";

/** The position of a record. Seeking to it delivers the record again. */
export interface KafkaOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Commits offsets of a group in a transaction, instead of by the member's own commits. */
export type CommitOffsets = (groupId: string, offsets: ReadonlyMap<RecordPartition, number>) => Promise<void>;

/** Settles deliveries with the commit of a transaction. */
export interface TransactionalSettlement {
  /** Rejects with what `commit` rejects with; the deliveries then stay unsettled. */
  settleWith(records: ReadonlySet<KafkaRecord>, commit: CommitOffsets): Promise<void>;
  /** Throws `TransactionError` where `settleWith` could not. */
  checkSettleWith(records: ReadonlySet<KafkaRecord>): void;
}

/** The partition of a record, as far as its deliveries go. */
export interface RecordPartition {
  readonly topic: string;
  readonly id: number;
  readonly owner: TransactionalSettlement;
  settle(record: KafkaRecord): Promise<void> | void;
  requeue(record: KafkaRecord, delayMs: number): Promise<void> | void;
  giveBack(record: KafkaRecord): void;
  untake(record: KafkaRecord): void;
  watermarkWith(records: ReadonlySet<KafkaRecord>): number;
}

/** A record from its first delivery until the group's offset has passed it, over any number of deliveries. */
export class KafkaRecord {
  readonly partition: RecordPartition;
  /** As kafkajs gave it; let go of when it is done. */
  raw: ClientRecord | undefined;
  readonly offset: number;
  deliveries: number;
  done = false;
  /** The delivery that is out, until it is settled or revoked. */
  message: KafkaMessage | undefined = undefined;
  /** While it waits for a delayed delivery: when that is due, on the clock. */
  dueMs = 0;

  constructor(partition: RecordPartition, raw: ClientRecord, offset: number, deliveries: number) {
    this.partition = partition;
    this.raw = raw;
    this.offset = offset;
    this.deliveries = deliveries;
  }
}

/** What an assignment does to a delivery, and nobody outside this folder can. */
export interface DeliveryControl {
  /** It is gone for its holder. */
  revoke(message: KafkaMessage, reason: string): void;
  recordOf(message: KafkaMessage): KafkaRecord;
}

export let deliveries: DeliveryControl;

/**
 * One delivery of a record. A settle takes effect in this process before its call returns, and the committed offset
 * follows. During a rebalance, a settle waits until the new assignment says whether the partition stays.
 */
export class KafkaMessage extends Message implements Positioned<KafkaOffset>, Partitioned {
  readonly #record: KafkaRecord;
  readonly #raw: ClientRecord;
  readonly #deliveryCount: number;
  #payload: Uint8Array | undefined;
  #headers: MessageHeaders | undefined;

  static {
    deliveries = {
      revoke: (message, reason) => message.revoke(reason),
      recordOf: (message) => message.#record,
    };
  }

  constructor(record: KafkaRecord, raw: ClientRecord) {
    super();
    this.#record = record;
    this.#raw = raw;
    this.#deliveryCount = record.deliveries;
  }

  get topic(): string {
    return this.#record.partition.topic;
  }

  get partition(): number {
    return this.#record.partition.id;
  }

  get offset(): number {
    return this.#record.offset;
  }

  get position(): KafkaOffset {
    return { topic: this.topic, partition: this.partition, offset: this.offset };
  }

  /**
   * When it was published, in milliseconds since 1970; or when it was appended to the log, if the topic is
   * configured so.
   */
  get timestampMs(): number {
    return Number(this.#raw.timestamp);
  }

  get payload(): Uint8Array {
    this.#payload ??= this.#raw.value === null ? tombstone : plain(this.#raw.value);
    return this.#payload;
  }

  /** Whether the value of the record is null. An empty payload is not a tombstone. */
  get tombstone(): boolean {
    return this.#raw.value === null;
  }

  get headers(): MessageHeaders {
    this.#headers ??= headersFrom(this.#raw.headers);
    return this.#headers;
  }

  /** The record key as text, or "0x" and hexadecimal if it is not UTF-8. `undefined` if the key is null. */
  override get partitionKey(): string | undefined {
    const { key } = this.#raw;
    return key === null ? undefined : keyText(key);
  }

  /** The record key as bytes; `null` if there is none. */
  get keyBytes(): Uint8Array | null {
    const { key } = this.#raw;
    return key && plain(key);
  }

  /** How often this subscription delivered it. Another process counts from 1. */
  override get deliveryCount(): number {
    return this.#deliveryCount;
  }

  protected override sendAck(): Promise<void> | void {
    return this.#record.partition.settle(this.#record);
  }

  protected override sendNack(requeue: boolean): Promise<void> | void {
    const { partition } = this.#record;
    return requeue ? partition.requeue(this.#record, 0) : partition.settle(this.#record);
  }

  protected override sendNackAfter(delayMs: number): Promise<void> | void {
    return this.#record.partition.requeue(this.#record, delayMs);
  }
}
