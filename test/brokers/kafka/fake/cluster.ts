import type { ClientHeaders, ClientRecord, TopicCreation } from "../../../../src/brokers/kafka/client.ts";
import { FakeGroup } from "./group.ts";

/** An error as kafkajs throws it. */
export class FakeKafkaError extends Error {
  readonly type: string | undefined;
  readonly retriable: boolean;

  constructor(type: string, { retriable = false, name = "KafkaJSProtocolError" } = {}) {
    super(type);
    this.name = name;
    this.type = name === "KafkaJSProtocolError" ? type : undefined;
    this.retriable = retriable;
  }
}

export interface FakeRecordInit {
  readonly key?: string | Buffer | null;
  readonly value?: string | Buffer | null;
  readonly headers?: ClientHeaders;
  readonly timestamp?: number;
  /** A record nobody is shown: the end of a transaction, or one that was aborted. */
  readonly hidden?: boolean;
}

interface Entry {
  readonly record: ClientRecord;
  readonly hidden: boolean;
}

/** The log of one partition. */
export class FakeLog {
  #entries: Entry[] = [];
  low = 0;
  high = 0;

  append({ key = null, value = "", headers = {}, timestamp = 0, hidden = false }: FakeRecordInit): number {
    const offset = this.high;
    this.high += 1;
    const record = {
      offset: String(offset),
      timestamp: String(timestamp),
      key: bufferOf(key),
      value: bufferOf(value),
      headers,
    };
    this.#entries.push({ record, hidden });
    return offset;
  }

  /** Offsets that will never have a record, as after compaction. */
  leaveHole(size: number): void {
    this.high += size;
  }

  /** Deletes what is before `offset`, as retention does. */
  deleteBefore(offset: number): void {
    this.low = offset;
    this.#entries = this.#entries.filter(({ record }) => Number(record.offset) >= offset);
  }

  /** From `offset` on: what is visible, and how far it goes. */
  read(offset: number, max: number): { messages: ClientRecord[]; last: number; first: number } | undefined {
    const taken = this.#entries.filter(({ record }) => Number(record.offset) >= offset).slice(0, max);
    const last = taken.at(-1);
    if (last === undefined) return undefined;
    return {
      messages: taken.filter(({ hidden }) => !hidden).map(({ record }) => record),
      first: Number(taken[0]?.record.offset),
      last: Number(last.record.offset),
    };
  }

  /** The first record at or after that time. */
  atTime(timestamp: number): number {
    const found = this.#entries.find(({ record }) => Number(record.timestamp) >= timestamp);
    return found ? Number(found.record.offset) : this.high;
  }

  values(): (string | null)[] {
    return this.#entries
      .filter(({ hidden }) => !hidden)
      .map(({ record }) => record.value?.toString() ?? null);
  }
}

/** The servers: topics, groups, and what goes wrong with them. */
export class FakeCluster {
  readonly topics: Map<string, FakeLog[]> = new Map();
  readonly groups: Map<string, FakeGroup> = new Map();
  /** Every call to a server rejects with it. */
  outage: Error | undefined = undefined;
  /** Every topic that was asked to be created. */
  readonly creations: ({ topic: string } & TopicCreation)[] = [];
  /** What creating a topic is refused with. */
  refusal: Error | undefined = undefined;
  /** How often a topic that was just created is not seen yet. */
  hiddenFor = 0;
  /** Records in one batch at most. */
  batchSize = 100;
  readonly #wakers = new Set<() => void>();

  createTopic(topic: string, partitions = 1): void {
    this.topics.set(
      topic,
      Array.from({ length: partitions }, () => new FakeLog()),
    );
  }

  log(topic: string, partition = 0): FakeLog {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`no partition ${partition} of ${topic}`);
    return log;
  }

  /** Appends values to a partition. */
  publish(topic: string, values: readonly string[], partition = 0): void {
    for (const value of values) this.log(topic, partition).append({ value });
    this.wake();
  }

  group(id: string): FakeGroup {
    let group = this.groups.get(id);
    if (group === undefined) {
      group = new FakeGroup(this, id);
      this.groups.set(id, group);
    }
    return group;
  }

  check(): void {
    if (this.outage) throw this.outage;
  }

  /** Something changed: consumers look again. */
  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  onWake(waker: () => void): () => void {
    this.#wakers.add(waker);
    return () => this.#wakers.delete(waker);
  }
}

function bufferOf(value: string | Buffer | null): Buffer | null {
  return typeof value === "string" ? Buffer.from(value) : value;
}
