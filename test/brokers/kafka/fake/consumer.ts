import type {
  Assigner,
  ClientConsumer,
  ConsumerConfig,
  RunConfig,
  TopicPartitionOffset,
  TopicPartitions,
} from "../../../../src/brokers/kafka/client.ts";
import type { JoinGroupResponse } from "../../../../src/brokers/kafka/consumer/group/join.ts";
import { type FakeCluster, FakeKafkaError } from "./cluster.ts";
import type { FakeGroup, FakeMember } from "./group.ts";

type Listener = (event: { payload: never }) => void;

/** A consumer that behaves as the one of kafkajs does, as far as the adapter can tell, in turns of the microtask queue. */
export class FakeConsumer implements ClientConsumer {
  readonly config: ConsumerConfig;
  readonly group: FakeGroup;
  readonly #cluster: FakeCluster;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #assigners: readonly Assigner[];
  readonly #find: (group: { groupId: string }) => Promise<unknown>;
  readonly #positions = new Map<string, number>();
  readonly #seeks = new Map<string, number>();
  readonly #paused = new Set<string>();
  #topics: string[] = [];
  #member: FakeMember | undefined = undefined;
  /** The name it had before it was expelled is not used again. */
  #memberId: string | undefined = undefined;
  #run: RunConfig | undefined = undefined;
  #running = false;
  #loop: Promise<void> = Promise.resolve();
  #wakened = false;
  #wake: () => void = () => undefined;
  connected = false;

  constructor(cluster: FakeCluster, config: ConsumerConfig) {
    this.#cluster = cluster;
    this.config = config;
    this.group = cluster.group(config.groupId);
    const place = {
      cluster: {
        findGroupCoordinator: async (_group: { groupId: string }): Promise<unknown> => {
          cluster.check();
          return {
            joinGroup: (request: unknown) => this.#joinGroup(request),
            syncGroup: async (_request: unknown) => this.#syncGroup(),
          };
        },
        addMultipleTargetTopics: async () => undefined,
        findTopicPartitionMetadata: (topic: string) =>
          (cluster.topics.get(topic) ?? []).map((_log, partitionId) => ({ partitionId })),
      },
    };
    this.#assigners = config.partitionAssigners.map((create) => create(place));
    this.#find = (group) => place.cluster.findGroupCoordinator(group);
    cluster.onWake(() => this.wake());
  }

  get memberId(): string {
    return this.#memberId ?? "";
  }

  async connect(): Promise<void> {
    this.#cluster.check();
    this.connected = true;
  }

  async subscribe({ topics }: { topics: string[] }): Promise<void> {
    this.#cluster.check();
    for (const topic of topics) {
      if (!this.#cluster.topics.has(topic)) throw new FakeKafkaError("UNKNOWN_TOPIC_OR_PARTITION");
    }
    this.#topics = topics;
  }

  async run(config: RunConfig): Promise<void> {
    this.#run = config;
    this.#running = true;
    try {
      await this.#join();
    } catch (error) {
      this.crash(error);
      return;
    }
    this.#loop = this.#work();
  }

  async disconnect(): Promise<void> {
    this.#running = false;
    this.wake();
    await this.#loop;
    if (this.#memberId) this.group.leave(this.#memberId);
    this.#memberId = undefined;
    this.connected = false;
  }

  /** As kafkajs does it: it leaves the group, and tells. */
  crash(error: unknown): void {
    this.#running = false;
    if (this.#memberId) this.group.leave(this.#memberId);
    this.#memberId = undefined;
    this.emit("consumer.crash", { error, groupId: this.config.groupId, restart: false });
  }

  async commitOffsets(offsets: Parameters<ClientConsumer["commitOffsets"]>[0]): Promise<void> {
    await undefined;
    const wanted = offsets.map(({ topic, partition, offset, metadata }) => ({
      key: `${topic}/${partition}`,
      offset: Number(offset),
      metadata,
    }));
    this.group.commit(this.memberId, this.#member?.generation ?? -1, wanted);
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    this.#seeks.set(`${topic}/${partition}`, Number(offset));
    this.wake();
  }

  pause(partitions: TopicPartitions[]): void {
    for (const key of keysOf(partitions)) this.#paused.add(key);
  }

  resume(partitions: TopicPartitions[]): void {
    for (const key of keysOf(partitions)) this.#paused.delete(key);
    this.wake();
  }

  get paused(): string[] {
    return [...this.#paused].sort();
  }

  on(event: string, listener: Listener): () => void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return () => undefined;
  }

  emit(event: string, payload: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener({ payload: payload as never });
  }

  wake(): void {
    this.#wakened = true;
    this.#wake();
  }

  async #join(): Promise<void> {
    const { groupId } = this.config;
    const coordinator = (await this.#find({ groupId })) as {
      joinGroup: (request: unknown) => Promise<unknown>;
      syncGroup: (request: unknown) => Promise<unknown>;
    };
    try {
      await coordinator.joinGroup({});
    } catch (error) {
      if ((error as FakeKafkaError).type !== "UNKNOWN_MEMBER_ID") throw error;
      // As kafkajs does it: once more from the beginning, as somebody new.
      this.#memberId = undefined;
      return this.#join();
    }
    try {
      await coordinator.syncGroup({});
    } catch {
      // As kafkajs does it where the group does not take the assignment: it joins again, and tells nobody.
      return this.#join();
    }
    this.#positions.clear();
    const assigned = this.#member?.assigned ?? {};
    for (const [topic, ids] of Object.entries(assigned)) {
      for (const id of ids) {
        const key = `${topic}/${id}`;
        this.#positions.set(key, this.group.committed.get(key) ?? this.#cluster.log(topic, id).low);
      }
    }
    this.emit("consumer.group_join", { memberAssignment: assigned });
  }

  #syncGroup(): void {
    if (this.group.interruptions === 0) return;
    this.group.interruptions -= 1;
    throw new FakeKafkaError(this.group.interruption);
  }

  async #joinGroup(_request: unknown): Promise<JoinGroupResponse> {
    this.#memberId ??= this.group.newMemberId();
    const request = { memberId: this.#memberId, topics: this.#topics, assigners: this.#assigners };
    this.#member = await this.group.join(request);
    const { generation: generationId, id: memberId } = this.#member;
    return { generationId, memberId, leaderId: this.group.leaderId };
  }

  async #work(): Promise<void> {
    while (this.#running) {
      try {
        // Before the heartbeat, or nothing wakes the consumer for a rebalance that begins right after it.
        this.#wakened = false;
        await this.#heartbeat();
        this.emit("consumer.fetch_start", {});
        if (!(await this.#fetch())) await this.#sleep();
      } catch (error) {
        if (!this.#running) return;
        const { type } = error as FakeKafkaError;
        if (type === "UNKNOWN_MEMBER_ID") this.#memberId = undefined;
        try {
          if (
            type === "REBALANCE_IN_PROGRESS" ||
            type === "UNKNOWN_MEMBER_ID" ||
            type === "ILLEGAL_GENERATION"
          )
            await this.#join();
          else this.crash(error);
        } catch (failure) {
          this.crash(failure);
        }
      }
    }
  }

  async #heartbeat(): Promise<void> {
    await undefined;
    if (this.#memberId === undefined) return;
    this.group.check(this.memberId, this.#member?.generation ?? -1);
    if (this.group.preparing) throw new FakeKafkaError("REBALANCE_IN_PROGRESS");
  }

  async #fetch(): Promise<boolean> {
    const batches: Promise<void>[] = [];
    for (const [key, position] of this.#positions) {
      const sought = this.#seeks.get(key);
      this.#seeks.delete(key);
      const from = sought ?? position;
      this.#positions.set(key, from);
      const [topic = "", id = "0"] = key.split("/");
      const log = this.#cluster.log(topic, Number(id));
      // The log has lost it: kafkajs begins again where the log does.
      const at = Math.max(from, log.low);
      const read = this.#paused.has(key) ? undefined : log.read(at, this.#cluster.batchSize);
      if (read) batches.push(this.#deliver(topic, Number(id), at, read));
    }
    await Promise.all(batches);
    return batches.length > 0;
  }

  async #deliver(
    topic: string,
    partition: number,
    at: number,
    { messages, first, last }: NonNullable<ReturnType<ReturnType<FakeCluster["log"]>["read"]>>,
  ): Promise<void> {
    const key = `${topic}/${partition}`;
    const facts = { topic, partition, batchSize: messages.length };
    this.emit("consumer.start_batch_process", {
      ...facts,
      firstOffset: String(first),
      lastOffset: String(last),
    });
    if (messages.length === 0) {
      this.#positions.set(key, last + 1);
      return;
    }
    await this.#run?.eachBatch({
      batch: { topic, partition, messages, fetchedOffset: String(at), lastOffset: () => String(last) },
      resolveOffset: (offset) => {
        const isLast = offset === messages.at(-1)?.offset;
        this.#positions.set(key, (isLast ? last : Number(offset)) + 1);
      },
      heartbeat: () => this.#heartbeat(),
      isRunning: () => this.#running,
      isStale: () => this.#seeks.has(key),
    });
  }

  async #sleep(): Promise<void> {
    if (this.#wakened || !this.#running) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

function keysOf(partitions: readonly TopicPartitions[]): string[] {
  return partitions.flatMap(({ topic, partitions: ids }) => ids.map((id) => `${topic}/${id}`));
}
