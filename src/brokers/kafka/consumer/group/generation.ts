import { type Deferred, deferred } from "../../../../traits/deferred.ts";
import { settledAtOnce } from "../../../../traits/message.ts";
import { reportError } from "../../../shared/error-report.ts";
import type { EachBatchPayload } from "../../client.ts";
import { faultOf } from "../../errors.ts";
import type { KafkaMessage } from "../../message/message.ts";
import type { CheckedSubscribeOptions } from "../../options/subscription.ts";
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
import { PositionRepair } from "./position-repair.ts";
import { prepareRebalance } from "./rebalance.ts";
import { TransactionalCommit } from "./transactional-commit.ts";

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
  readonly #transactions: TransactionalCommit;
  readonly #drained: Deferred<void> = deferred();
  readonly #hurried: Deferred<void> = deferred();
  /** Whether the server takes what is done above the committed offset, as metadata. */
  #sendsMetadata = true;
  #started = false;
  #preparing: Promise<void> | undefined = undefined;

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
        settleWith: (records, commit) => this.#transactions.settleWith(records, commit),
        checkSettleWith: (records) => this.#transactions.checkSettleWith(records),
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
    this.#transactions = new TransactionalCommit(this.assignment, options.group, this.#committer);
    const repair = new PositionRepair(this.assignment, member, context.positions, cluster.secrets);
    this.#fetcher = new Fetcher(
      this.assignment,
      member,
      {
        clock: cluster.clock,
        pauseAfterMs: options.member.maxWaitTimeInMs,
        repositioned: (partition, at) => void repair.run(partition, at),
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
    // Settles that waited for the group come first, because requeued records stand before later ones.
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

  /** What is out of the partition is revoked, and it goes on at `offset`. */
  seek(partition: Partition, offset: number): void {
    this.assignment.seek(partition, offset);
    this.member.seek(partition, offset);
  }

  /** Gives deliveries that are out some time to be settled. The next generation, or the end, decides about the rest. */
  prepareRebalance(): Promise<void> {
    if (this.open) this.#preparing = this.#prepareRebalance();
    return this.#preparing ?? settledAtOnce;
  }

  /** Revokes what is out, now. What was settled can still be committed with `flush`. */
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
    else reportError({ topic: [...this.assignment.partitions][0]?.topic ?? "", error: cause });
  }
}

function withoutMetadata(committable: Committable): Committable {
  return { ...committable, metadata: undefined };
}
