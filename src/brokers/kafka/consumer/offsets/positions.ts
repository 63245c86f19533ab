import type { KafkaStart } from "../../options/subscription.ts";
import type { ReconnectingAdmin } from "../../topology/admin.ts";
import { type CommittedPartition, partitionKey } from "./committable.ts";
import { DoneRanges } from "./done-ranges.ts";

/** Where one partition begins. */
export interface StartPosition<P extends CommittedPartition> {
  readonly partition: P;
  readonly offset: number;
  /** The group has committed exactly this. */
  readonly committed: boolean;
  /** What it has done above it. */
  readonly done?: DoneRanges | undefined;
}

/** What a group has committed, and the text that went with it. */
interface Committed {
  readonly offset: number;
  readonly metadata: string | null;
}

/** What the log of a partition holds: from `low` on, and next comes `high`. */
export interface LogBounds {
  readonly low: number;
  readonly high: number;
}

const nothing: Committed = { offset: -1, metadata: null };
/** What kafkajs commits when the log has lost the offset to fetch. */
const beginning = -2;

/** Says where the partitions of an assignment begin. */
export class Positions {
  readonly #admin: ReconnectingAdmin;
  readonly #group: string | undefined;
  readonly #from: KafkaStart;
  /** Topics the group had committed something in when the subscription opened. */
  readonly #known = new Set<string>();
  /** Where the partitions ended then. One that is missing was created later. */
  readonly #ends = new Map<string, number>();
  /** Without a group nobody else remembers: how far each partition was settled in the assignment before. */
  readonly #settled = new Map<string, Committed>();

  constructor(admin: ReconnectingAdmin, group: string | undefined, from: KafkaStart) {
    this.#admin = admin;
    this.#group = group;
    this.#from = from;
  }

  /** Looks at the topics as the subscription opens, so that "new" means after that, however long joining takes. */
  async remember(topics: readonly string[], over: () => boolean): Promise<void> {
    const committed = await this.#fetchCommitted(topics, over);
    for (const topic of topics) {
      const known = [...(committed.get(topic)?.values() ?? [])].some(
        ({ offset }) => offset !== nothing.offset,
      );
      if (known) this.#known.add(topic);
      else if (this.#from === "new") {
        const bounds = await this.bounds(topic, over);
        for (const [id, { high }] of bounds) this.#ends.set(partitionKey(topic, id), high);
      }
    }
  }

  /** Rejects when `over()` ended the attempts, or with a final error. */
  async find<P extends CommittedPartition>(
    partitions: Iterable<P>,
    over: () => boolean,
  ): Promise<StartPosition<P>[]> {
    const all = [...partitions];
    const topics = [...new Set(all.map(({ topic }) => topic))];
    const committed = await this.#fetchCommitted(topics, over);
    const found: StartPosition<P>[] = [];
    const open: P[] = [];
    for (const partition of all) {
      const { offset, metadata } = committed.get(partition.topic)?.get(partition.id) ?? nothing;
      const done = DoneRanges.read(offset, metadata);
      if (offset >= 0) found.push({ partition, offset, committed: true, done });
      else open.push(partition);
    }
    for (const topic of new Set(open.map((partition) => partition.topic))) {
      const ofTopic = open.filter((partition) => partition.topic === topic);
      found.push(...(await this.#begin(topic, ofTopic, committed.get(topic), over)));
    }
    return found;
  }

  /** Without a group: where the partition goes on in the next assignment. */
  keep(partition: CommittedPartition): void {
    const { offsetToCommit } = partition;
    if (this.#group !== undefined || offsetToCommit === undefined) return;
    this.#settled.set(partition.key, {
      offset: offsetToCommit.offset,
      metadata: offsetToCommit.metadata ?? null,
    });
  }

  async bounds(topic: string, over: () => boolean): Promise<Map<number, LogBounds>> {
    const offsets = await this.#admin.askUntil(over, (admin) => admin.fetchTopicOffsets(topic));
    return new Map(
      offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
    );
  }

  /** The first record of each partition at or after `timeMs`, or its end. */
  async atTime(topic: string, timeMs: number, over: () => boolean): Promise<Map<number, number>> {
    const offsets = await this.#admin.askUntil(over, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, Math.ceil(timeMs)),
    );
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** Partitions of one topic in which nothing is committed. */
  async #begin<P extends CommittedPartition>(
    topic: string,
    partitions: readonly P[],
    committed: ReadonlyMap<number, Committed> | undefined,
    over: () => boolean,
  ): Promise<StartPosition<P>[]> {
    const bounds = await this.bounds(topic, over);
    const times =
      typeof this.#from === "object" ? await this.atTime(topic, this.#from.timeMs, over) : undefined;
    return partitions.map((partition) => {
      const low = bounds.get(partition.id)?.low ?? 0;
      const kept = this.#settled.get(partition.key);
      const done = kept && DoneRanges.read(kept.offset, kept.metadata);
      const wanted = kept?.offset ?? this.#wanted(partition, committed, times);
      return { partition, offset: Math.max(low, wanted), committed: false, done };
    });
  }

  #wanted(
    { topic, id, key }: CommittedPartition,
    committed: ReadonlyMap<number, Committed> | undefined,
    times: ReadonlyMap<number, number> | undefined,
  ): number {
    // A group that is at home in the topic, and has nothing here, meets a partition that was added: it misses nothing of it.
    if (this.#known.has(topic) || committed?.get(id)?.offset === beginning) return 0;
    if (this.#from === "start") return 0;
    if (times !== undefined) return times.get(id) ?? 0;
    return this.#ends.get(key) ?? 0;
  }

  async #fetchCommitted(
    topics: readonly string[],
    over: () => boolean,
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, Committed>>> {
    const groupId = this.#group;
    if (groupId === undefined) return new Map();
    const offsets = await this.#admin.askUntil(over, (admin) =>
      admin.fetchOffsets({ groupId, topics: [...topics] }),
    );
    return new Map(
      offsets.map(({ topic, partitions }) => [
        topic,
        new Map(
          partitions.map(({ partition, offset, metadata }) => [
            partition,
            { offset: Number(offset), metadata },
          ]),
        ),
      ]),
    );
  }
}
