import type { Client, ClientConsumer, CreateAssigner, EachBatchPayload } from "../../client.ts";
import type { MemberConfig } from "../../options/subscription.ts";
import type { Committable } from "../offsets/committable.ts";
import type { Partition } from "../partition.ts";
import { interceptJoins, type Membership, membershipAfter } from "./join.ts";

/** What a member tells the subscription it works for. */
export interface MemberEvents {
  /** It is about to join its group, for the first time or again; it waits for the promise. */
  joining(member: Member): Promise<void>;
  joined(member: Member, assigned: Readonly<Record<string, readonly number[]>>): void;
  batch(member: Member, payload: EachBatchPayload): Promise<void>;
  /** A fetch brought nothing to deliver: the partition goes on at `end`. `first` is undefined where not even that is known. */
  skipped(topic: string, partition: number, first: number | undefined, end: number): void;
  /** Its consumer crashed. It has left its group and cannot be used again. */
  crashed(member: Member, error: unknown): void;
}

// kafkajs restarts a consumer after some errors only, in its own time, and reports no cause for the others. So it never
// restarts one here: the subscription replaces a member that has crashed.
const retry = {
  initialRetryTime: 100,
  maxRetryTime: 1_000,
  retries: 5,
  restartOnFailure: () => Promise.resolve(false),
};

/** Batches handled at once; more than a fetch brings unless its partitions are very many. */
const concurrency = 32;

/** One member of a group: a consumer of kafkajs, from its first join until it crashes or is retired. */
export class Member {
  readonly #consumer: ClientConsumer;
  readonly #events: MemberEvents;
  readonly #retired = new AbortController();
  #heartbeat: (() => Promise<void>) | undefined = undefined;
  #activity = 0;
  #membership: Membership | undefined = undefined;
  /** Whether the group began again before it took an assignment of that join. */
  #superseded = false;

  /** `assigners`: what it offers the group, best first. */
  constructor(
    client: Client,
    config: MemberConfig,
    assigners: readonly [CreateAssigner, ...CreateAssigner[]],
    events: MemberEvents,
  ) {
    this.#events = events;
    const intercepted = interceptJoins(assigners[0], () => this.#joining(), {
      joined: (answer) => {
        this.#membership = membershipAfter(this.#superseded ? this.#membership : undefined, answer);
        this.#superseded = false;
      },
      superseded: () => {
        this.#superseded = true;
      },
    });
    this.#consumer = client.consumer({
      ...config,
      partitionAssigners: [intercepted, ...assigners.slice(1)],
      retry,
    });
    this.#listen();
  }

  /** The last join that was answered; undefined where kafkajs does not let it be seen. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** Changes while it is alive: with every fetch, batch and join. */
  get activity(): number {
    return this.#activity;
  }

  /**
   * Resolves when the consumer runs, or has crashed: the events tell which. Rejects when it did not come so far.
   */
  async start(topics: readonly string[]): Promise<void> {
    await this.#consumer.connect();
    // Where nothing is committed the subscription says itself where to begin. What is left to kafkajs is an offset that
    // the log has lost, and there the beginning is where least is missed.
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrency,
      eachBatch: (payload) => this.#batch(payload),
    });
  }

  commit(committables: readonly Committable[]): Promise<void> {
    return this.#consumer.commitOffsets(
      committables.map(({ partition: { topic, id }, offset, metadata }) => ({
        topic,
        partition: id,
        offset: String(offset),
        metadata: metadata ?? null,
      })),
    );
  }

  seek({ topic, id }: Partition, offset: number): void {
    this.#consumer.seek({ topic, partition: id, offset: String(offset) });
  }

  pause(partitions: Iterable<Partition>): void {
    this.#consumer.pause(Array.from(partitions, ({ topic, id }) => ({ topic, partitions: [id] })));
  }

  resume(partitions: Iterable<Partition>): void {
    this.#consumer.resume(Array.from(partitions, ({ topic, id }) => ({ topic, partitions: [id] })));
  }

  /** Keeps the membership alive while a join is held. Rejects with what the group says, also that it rebalances. */
  async heartbeat(): Promise<void> {
    await this.#heartbeat?.();
  }

  /** From now on it joins no more and brings nothing. */
  retire(): void {
    this.#retired.abort();
  }

  /** Fires when it is retired. */
  get retired(): AbortSignal {
    return this.#retired.signal;
  }

  /** Leaves the group and disconnects. */
  async leave(): Promise<void> {
    this.retire();
    await this.#consumer.disconnect();
  }

  #listen(): void {
    const consumer = this.#consumer;
    consumer.on("consumer.crash", ({ payload }) => {
      if (!this.retired.aborted) this.#events.crashed(this, payload.error);
    });
    consumer.on("consumer.group_join", ({ payload }) => {
      this.#activity += 1;
      if (!this.retired.aborted) this.#events.joined(this, payload.memberAssignment);
    });
    consumer.on("consumer.start_batch_process", ({ payload }) => {
      if (this.retired.aborted || payload.batchSize > 0) return;
      const first = payload.firstOffset === null ? undefined : Number(payload.firstOffset);
      this.#events.skipped(payload.topic, payload.partition, first, Number(payload.lastOffset) + 1);
    });
    consumer.on("consumer.fetch_start", () => {
      this.#activity += 1;
    });
  }

  async #joining(): Promise<void> {
    this.#refuse();
    await this.#events.joining(this);
    this.#refuse();
    this.#activity += 1;
  }

  async #batch(payload: EachBatchPayload): Promise<void> {
    this.#refuse();
    this.#activity += 1;
    this.#heartbeat = payload.heartbeat;
    await this.#events.batch(this, payload);
  }

  /** A retired consumer that joins again would hold partitions that nobody reads. An error ends it. */
  #refuse(): void {
    if (this.retired.aborted) throw new Error("This consumer has been replaced.");
  }
}
