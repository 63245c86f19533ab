import { type Deferred, deferred } from "../../../../traits/deferred.ts";
import { PositionUnavailableError, TransactionError } from "../../../../traits/errors.ts";
import { settledAtOnce } from "../../../../traits/message.ts";
import { reportError } from "../../../shared/error-report.ts";
import type { EachBatchPayload } from "../../client.ts";
import { faultOf } from "../../errors.ts";
import type { CommitOffsets, KafkaMessage, KafkaRecord } from "../../message/message.ts";
import type { CheckedSubscribeOptions } from "../../options.ts";
import type { Cluster } from "../../topology/cluster.ts";
import type { Ownership } from "../assigners/sticky-assigner.ts";
import { Assignment } from "../assignment.ts";
import type { DeliveryCounts } from "../delivery-counts.ts";
import { Fetcher } from "../fetcher.ts";
import type { Committable } from "../offsets/committable.ts";
import { Committer } from "../offsets/committer.ts";
import type { Positions } from "../offsets/positions.ts";
import type { Partition } from "../partition.ts";
import type { Membership } from "./join.ts";
import type { Member } from "./member.ts";
import { prepareRebalance } from "./rebalance.ts";

export interface GenerationContext {
  readonly cluster: Cluster;
  readonly options: CheckedSubscribeOptions;
  readonly counts: DeliveryCounts;
  readonly positions: Positions;
  readonly member: Member;
  /** There may be something to take. */
  readonly available: () => void;
  /** The group has removed the member. */
  readonly removed: (error: unknown) => void;
}

/** Errors that say that the group has removed this member: others may have its partitions. */
const removals = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"]);

/**
 * One generation of the group, for one member: from its join to the next. It has the assignment, the fetcher that fills
 * it and the committer that commits from it.
 */
export class Generation {
  readonly member: Member;
  readonly assignment: Assignment;
  readonly #context: GenerationContext;
  readonly #membership: Membership | undefined;
  readonly #fetcher: Fetcher;
  /** Without a group there is nobody to tell, and every settle counts as committed. */
  readonly #committer: Committer | undefined;
  readonly #drained: Deferred<void> = deferred();
  readonly #hurried: Deferred<void> = deferred();
  /** Whether the server takes what is done above the committed offset, as metadata. */
  #sendsMetadata = true;
  #started = false;
  #preparing: Promise<void> | undefined = undefined;
  /** Partitions whose bounds are being looked up. */
  readonly #lookedUp = new Set<Partition>();

  /** `before`: the last generation, if no other member can have had its partitions in between. */
  constructor(
    context: GenerationContext,
    assigned: Readonly<Record<string, readonly number[]>>,
    paused: boolean,
    before: Generation | undefined,
  ) {
    const { cluster, options, counts, member } = context;
    this.#context = context;
    this.member = member;
    this.#membership = member.membership;
    this.assignment = new Assignment(
      assigned,
      {
        available: context.available,
        taken: (partition) => this.#fetcher.taken(partition),
        moved: (partition) => this.#moved(partition),
        drained: () => {
          if (!this.assignment.open) this.#drained.resolve();
        },
        settleWith: (records, commit) => this.settleWith(records, commit),
        checkSettleWith: (records) => this.checkSettleWith(records),
      },
      { clock: cluster.clock, limits: options.limits, maxInFlight: options.maxInFlight, counts },
      before?.assignment,
    );
    if (options.group !== undefined) {
      this.#committer = new Committer({
        clock: cluster.clock,
        intervalMs: options.commitIntervalMs,
        urgentAt: Math.ceil(options.limits.maxUncommitted / 2),
        send: (committables) => this.#send(committables),
        failed: (error) => this.#commitFailed(error),
      });
    }
    this.#fetcher = new Fetcher(
      this.assignment,
      member,
      {
        clock: cluster.clock,
        pauseAfterMs: options.member.maxWaitTimeInMs,
        repositioned: (partition, at) => void this.#repositioned(partition, at),
      },
      paused,
    );
  }

  /** Whether it gives out deliveries, or will when it knows where to begin. */
  get open(): boolean {
    return this.assignment.open;
  }

  /** What it tells those who share out the partitions. */
  get ownership(): Ownership {
    const partitions: Record<string, number[]> = {};
    if (!this.assignment.over) {
      for (const { topic, id } of this.assignment.partitions)
        partitions[topic] = [...(partitions[topic] ?? []), id];
    }
    return { partitions, generation: this.#membership?.generation ?? -1 };
  }

  /**
   * Whether the next join of `member` continues this generation: it is the same member, and the group assigned partitions
   * in no generation between. Then nobody else can have had its partitions.
   */
  continues(member: Member): boolean {
    const { membership } = member;
    if (this.assignment.over || member !== this.member || !membership || !this.#membership) return false;
    return (
      membership.memberId === this.#membership.memberId && membership.follows === this.#membership.generation
    );
  }

  get started(): boolean {
    return this.#started;
  }

  /**
   * Finds out where the partitions begin, and commits it for the group. Rejects when that fails while the generation
   * lasts. Resolves with whether the commit was made: if a rebalance came first, the next generation tries again.
   */
  async start(): Promise<boolean> {
    const { positions, member } = this.#context;
    const unknown: Partition[] = [];
    for (const partition of this.assignment.partitions) {
      if (partition.position === undefined) unknown.push(partition);
      else member.seek(partition, partition.position);
    }
    // Settles that waited for the group come first: what they give back stands before what is later.
    await settledAtOnce;
    this.assignment.offerKept();
    const found = unknown.length > 0 ? await positions.find(unknown, () => !this.open) : [];
    if (!this.open) return false;
    for (const { partition, offset, committed, done } of found) {
      partition.start(offset, committed, "its partition begins elsewhere", done);
      // kafkajs begins at the committed offset, or at a seek that dates from before this generation.
      member.seek(partition, offset);
    }
    this.#started = true;
    this.#fetcher.start();
    return found.every(({ committed }) => committed) || this.#remember();
  }

  /** Without this commit, the member after a crash would begin at the end of the log and miss the records between. */
  async #remember(): Promise<boolean> {
    const error = await this.#committer?.flush();
    if (error === undefined) return true;
    const { type } = faultOf(error, this.#context.cluster.secrets);
    if (type === "REBALANCE_IN_PROGRESS" || !this.open) return false;
    throw error;
  }

  batch(payload: EachBatchPayload): Promise<void> {
    return this.#fetcher.batch(payload);
  }

  skipped(topic: string, id: number, first: number | undefined, end: number): void {
    const partition = this.assignment.partition(topic, id);
    if (partition) this.#fetcher.skipped(partition, first, end);
  }

  take(max: number): KafkaMessage[] {
    return this.assignment.take(max);
  }

  pause(): void {
    this.#fetcher.pause();
  }

  resume(): void {
    this.#fetcher.resume();
  }

  /** What is out of the partition is lost, and it goes on at `offset`. */
  seek(partition: Partition, offset: number): void {
    this.assignment.seek(partition, offset);
    this.member.seek(partition, offset);
  }

  /** Gives deliveries that are out some time to be settled. The next generation, or the end, decides about the rest. */
  prepareRebalance(): Promise<void> {
    if (this.open) this.#preparing = this.#prepareRebalance();
    return this.#preparing ?? settledAtOnce;
  }

  /** Loses what is out, now. What was settled can still be committed with `flush`. */
  end(reason: string): void {
    this.#hurried.resolve();
    this.#fetcher.end();
    this.#committer?.stop();
    for (const partition of this.assignment.partitions) this.#context.positions.keep(partition);
    this.assignment.end(reason);
  }

  async flush(): Promise<void> {
    await this.#committer?.flush();
  }

  /**
   * Settles deliveries by a commit of the group's offsets from elsewhere, while none is sent from here. Rejects with what
   * `commit` does, and then they are as they were.
   */
  async settleWith(records: ReadonlySet<KafkaRecord>, commit: CommitOffsets): Promise<void> {
    const { group } = this.#context.options;
    const committer = this.#committer;
    this.checkSettleWith(records);
    if (group === undefined || committer === undefined) return;
    await committer.hold(async () => {
      this.checkSettleWith(records);
      const consumed = new Set<object>(Array.from(records, ({ partition }) => partition));
      const partitions = [...this.assignment.partitions].filter((partition) => consumed.has(partition));
      const offsets = new Map(partitions.map((partition) => [partition, partition.watermarkWith(records)]));
      await commit(group, offsets);
      for (const { message } of records) message?.ack().catch(() => undefined);
      for (const [partition, offset] of offsets) {
        const { offsetToCommit } = partition;
        if (offsetToCommit?.offset === offset && offsetToCommit.metadata === undefined)
          partition.confirm(offsetToCommit);
      }
    });
  }

  /** Throws `TransactionError`. */
  checkSettleWith(records: ReadonlySet<KafkaRecord>): void {
    const fault = this.#settleFault(records);
    if (fault !== undefined) throw new TransactionError({ reason: fault });
  }

  #settleFault(records: ReadonlySet<KafkaRecord>): string | undefined {
    if (this.#committer === undefined)
      return "what it consumed came without a group, which has no offsets to commit";
    if (this.assignment.over) return "the partitions of what it consumed were taken away";
    for (const { partition, offset, message } of records) {
      if (message === undefined) return `offset ${offset} of "${partition.topic}" is settled or lost already`;
      const next = partition.watermarkWith(records);
      if (next > offset) continue;
      return `it consumed offset ${offset} of "${partition.topic}", and offset ${next} before it is not settled`;
    }
    return undefined;
  }

  async #prepareRebalance(): Promise<void> {
    const { cluster, options } = this.#context;
    this.#fetcher.end();
    await prepareRebalance(this.assignment, this.#committer, {
      clock: cluster.clock,
      limitMs: options.drainMs,
      heartbeatIntervalMs: options.member.heartbeatInterval,
      heartbeat: () => this.member.heartbeat(),
      isRemoval: (error) => removals.has(faultOf(error, cluster.secrets).type ?? ""),
      drained: this.#drained.promise,
      hurried: this.#hurried.promise,
    });
    this.#committer?.stop();
  }

  #moved(partition: Partition): void {
    if (this.#committer) this.#committer.moved(partition);
    else partition.confirmHere();
  }

  async #send(committables: readonly Committable[]): Promise<void> {
    try {
      await this.member.commit(this.#sendsMetadata ? committables : committables.map(withoutMetadata));
    } catch (error) {
      if (
        !this.#sendsMetadata ||
        faultOf(error, this.#context.cluster.secrets).type !== "OFFSET_METADATA_TOO_LARGE"
      )
        throw error;
      this.#sendsMetadata = false;
      await this.member.commit(committables.map(withoutMetadata));
    }
  }

  #commitFailed(error: unknown): void {
    const { type, cause } = faultOf(error, this.#context.cluster.secrets);
    // A rebalance is no failure: the offsets are committed as it is prepared, or by the next member that has the partition.
    if (type === "REBALANCE_IN_PROGRESS" || !this.open) return;
    if (removals.has(type ?? "")) this.#context.removed(error);
    else this.#report([...this.assignment.partitions][0]?.topic ?? "", cause);
  }

  /** kafkajs fetched from `at` by itself: the fetch was late, or the log has lost the partition's position. */
  async #repositioned(partition: Partition, at: number): Promise<void> {
    if (this.#lookedUp.has(partition)) return;
    if (at < (partition.position ?? 0)) {
      this.member.seek(partition, partition.position ?? 0);
      return;
    }
    this.#lookedUp.add(partition);
    try {
      const bounds = await this.#context.positions.bounds(partition.topic, () => !this.open);
      const log = bounds.get(partition.id);
      if (this.open && log && partition.position !== undefined)
        this.#restorePosition(partition, partition.position, log);
    } catch (error) {
      if (this.open) this.#report(partition.topic, faultOf(error, this.#context.cluster.secrets).cause);
    } finally {
      this.#lookedUp.delete(partition);
    }
  }

  #restorePosition(
    partition: Partition,
    position: number,
    { low, high }: { low: number; high: number },
  ): void {
    if (position < low || position > high) {
      const lost = new PositionUnavailableError({
        topic: partition.topic,
        position: `offset ${position} of partition ${partition.id}, where it was to go on`,
        available: `${low} to ${high}; it goes on at ${low}`,
      });
      this.#report(partition.topic, lost);
    }
    // Deleted by retention: what is out can still be settled. A log that was cut or made anew has other records there.
    if (position < low) partition.skip(low);
    if (position > high) this.assignment.seek(partition, low);
    this.member.seek(partition, partition.position ?? low);
  }

  #report(topic: string, error: unknown): void {
    reportError({ topic, error });
  }
}

function withoutMetadata(committable: Committable): Committable {
  return { ...committable, metadata: undefined };
}
