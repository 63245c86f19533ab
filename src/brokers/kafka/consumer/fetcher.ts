import type { Clock } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { within } from "../../shared/within.ts";
import type { ClientBatch, EachBatchPayload } from "../client.ts";
import type { Assignment } from "./assignment.ts";
import type { Member } from "./group/member.ts";
import type { Partition } from "./partition.ts";

export interface FetcherOptions {
  readonly clock: Clock;
  /** How long a full partition keeps its batch open before it is paused. */
  readonly pauseAfterMs: number;
  /** kafkajs fetched from `at` and not from the partition's position. */
  readonly repositioned: (partition: Partition, at: number) => void;
}

/**
 * Takes in what a member fetches for one assignment, and pauses partitions that have enough.
 *
 * kafkajs looks at a resumed partition only after it has slept through a whole `maxWaitTimeInMs`, if no other partition
 * is left. So a partition that is merely full keeps its batch open for a while first. The fetcher pauses a partition that
 * stays full, or that waits for an unsettled record.
 */
export class Fetcher {
  readonly #assignment: Assignment;
  readonly #member: Member;
  readonly #options: FetcherOptions;
  /** Resolved when the partitions' positions are known, or there is no use in waiting. */
  readonly #started: Deferred<void> = deferred();
  /** Full partitions that keep their batch open until there is room. */
  readonly #openBatches = new Map<Partition, Deferred<void>>();
  readonly #pausedPartitions = new Set<Partition>();
  /** Partitions known to be fetched from their positions, and not from where an assignment before this one had come to. */
  readonly #positioned = new Set<Partition>();
  #paused = false;
  #over = false;

  constructor(assignment: Assignment, member: Member, options: FetcherOptions, paused: boolean) {
    this.#assignment = assignment;
    this.#member = member;
    this.#options = options;
    this.#paused = paused;
    // kafkajs keeps partitions paused over a rebalance.
    if (paused) member.pause(assignment.partitions);
    else member.resume(assignment.partitions);
    for (const partition of assignment.partitions) if (partition.full) this.#pausePartition(partition);
  }

  /** The partitions know where they begin. */
  start(): void {
    this.#started.resolve();
  }

  /** Nothing more is taken in. */
  end(): void {
    this.#over = true;
    this.#started.resolve();
    for (const relieved of this.#openBatches.values()) relieved.resolve();
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#member.pause(this.#assignment.partitions);
    for (const relieved of this.#openBatches.values()) relieved.resolve();
  }

  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#member.resume(
      [...this.#assignment.partitions].filter((partition) => !this.#pausedPartitions.has(partition)),
    );
  }

  /** A record was taken. */
  taken(partition: Partition): void {
    if (this.#openBatches.size === 0 && this.#pausedPartitions.size === 0) return;
    if (this.#over || !partition.relieved) return;
    this.#openBatches.get(partition)?.resolve();
    if (this.#pausedPartitions.delete(partition) && !this.#paused) this.#member.resume([partition]);
  }

  async batch({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    const partition = this.#assignment.partition(batch.topic, batch.partition);
    if (partition === undefined || this.#over) return;
    if (partition.position === undefined) {
      // No heartbeat is sent while this batch waits, so the wait is limited. kafkajs fetches again what is not taken in.
      await within(this.#options.clock, this.#options.pauseAfterMs, this.#started.promise);
      if (partition.position === undefined) return;
    }
    if (this.#over || this.#paused || isStale() || !this.#continues(partition, batch)) return;
    const last = batch.messages.at(-1);
    if (last === undefined) return;
    this.#positioned.add(partition);
    resolveOffset(last.offset);
    partition.accept(batch.messages, Number(batch.lastOffset()) + 1);
    if (partition.full) await this.#pauseWhenFull(partition);
  }

  /**
   * A fetch brought nothing to deliver, from `first` up to `end`. The first such fetch may date from before this
   * assignment and have begun elsewhere, because one fetch at most is under way. So the first is asked again with a seek.
   */
  skipped(partition: Partition, first: number | undefined, end: number): void {
    if (this.#over || partition.position === undefined) return;
    if (!this.#positioned.has(partition)) {
      this.#positioned.add(partition);
      this.#member.seek(partition, partition.position);
      return;
    }
    if (first === undefined || first >= partition.position) partition.skip(end);
  }

  /** Whether a batch begins where the last one ended: nothing was passed over, and nothing comes twice. */
  #continues(partition: Partition, batch: ClientBatch): boolean {
    if (batch.fetchedOffset === undefined) return true;
    const at = Number(batch.fetchedOffset);
    if (at === partition.position) return true;
    this.#options.repositioned(partition, at);
    return false;
  }

  async #pauseWhenFull(partition: Partition): Promise<void> {
    if (!partition.stalled) {
      const relieved = deferred<void>();
      this.#openBatches.set(partition, relieved);
      const inTime = await within(this.#options.clock, this.#options.pauseAfterMs, relieved.promise);
      this.#openBatches.delete(partition);
      if (inTime) return;
    }
    if (!this.#over && !partition.relieved) this.#pausePartition(partition);
  }

  #pausePartition(partition: Partition): void {
    this.#pausedPartitions.add(partition);
    if (!this.#paused) this.#member.pause([partition]);
  }
}
