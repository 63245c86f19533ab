import { Fifo } from "../../../structures/fifo.ts";
import type { Clock } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { type CommitOffsets, deliveries, type KafkaMessage, type KafkaRecord } from "../message/message.ts";
import type { PartitionLimits } from "../options/subscription.ts";
import { Delays } from "./delays.ts";
import type { DeliveryCounts } from "./delivery-counts.ts";
import { partitionKey } from "./offsets/committable.ts";
import { Partition, type PartitionOwner } from "./partition.ts";

/** What an assignment tells the subscription. */
export interface AssignmentEvents {
  /** There may be something to take. */
  available(): void;
  /** Records of a partition were taken or passed over: if it is paused, it may resume. */
  taken(partition: Partition): void;
  /** A watermark moved. */
  moved(partition: Partition): void;
  /** Every delivery that was out is settled or revoked. */
  drained(): void;
  settleWith: PartitionOwner["settleWith"];
  checkSettleWith: PartitionOwner["checkSettleWith"];
}

/** A partition that goes from one assignment to the next. */
interface Kept {
  readonly partition: Partition;
  readonly delayed: readonly KafkaRecord[];
}

export interface AssignmentOptions {
  readonly clock: Clock;
  readonly limits: PartitionLimits;
  /** Deliveries that may be out at once, over all partitions. */
  readonly maxInFlight: number;
  readonly counts: DeliveryCounts;
}

/**
 * The partitions that this member has in one generation of the group, and everything delivered from them. It delivers from
 * every partition that is ready, in turn. When it ends, its deliveries are revoked and can no longer be settled, except those
 * of partitions that the next assignment adopts.
 */
export class Assignment implements PartitionOwner {
  readonly #events: AssignmentEvents;
  readonly #options: AssignmentOptions;
  readonly #partitions = new Map<string, Partition>();
  /** Every partition that is ready stands in it once, and maybe some that are not any more. */
  readonly #line = new Fifo<Partition>();
  readonly #delays: Delays;
  /** Somebody is at the line already, and need not be told that there is something. */
  #taking = false;
  /** Delivered, and neither settled nor revoked. */
  #inFlight = 0;
  /**
   * It only moves forward. "leaving" gives nothing out, and what is out is settled; "undecided" waits to hear which
   * partitions stay; "over" has no partition any more.
   */
  #state: "open" | "leaving" | "undecided" | "over" = "open";
  /** Resolved when it is over. */
  readonly #decision: Deferred<void> = deferred();

  constructor(
    assigned: Readonly<Record<string, readonly number[]>>,
    events: AssignmentEvents,
    options: AssignmentOptions,
    before?: Assignment,
  ) {
    this.#events = events;
    this.#options = options;
    this.#delays = new Delays(options.clock, (record) => record.partition.giveBack(record));
    for (const [topic, ids] of Object.entries(assigned)) {
      for (const id of ids) {
        const key = partitionKey(topic, id);
        const kept = before?.release(key);
        if (kept) this.#adopt(kept);
        const counts = kept ? undefined : options.counts.take(key);
        this.#partitions.set(key, kept?.partition ?? new Partition(topic, id, this, options.limits, counts));
      }
    }
  }

  get open(): boolean {
    return this.#state === "open";
  }

  get over(): boolean {
    return this.#state === "over";
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get partitions(): Iterable<Partition> {
    return this.#partitions.values();
  }

  get undecided(): Promise<void> | undefined {
    return this.#state === "undecided" ? this.#decision.promise : undefined;
  }

  partition(topic: string, id: number): Partition | undefined {
    return this.#partitions.get(partitionKey(topic, id));
  }

  /** Up to `max` deliveries that are here, one from each partition in turn. */
  take(max: number): KafkaMessage[] {
    const taken: KafkaMessage[] = [];
    this.#taking = true;
    this.#delays.release();
    this.#taking = false;
    while (taken.length < max && this.open && this.#inFlight < this.#options.maxInFlight) {
      const partition = this.#line.shift();
      if (partition === undefined) break;
      partition.queued = false;
      const message = partition.take();
      if (message !== undefined) {
        taken.push(message);
        this.#enqueue(partition);
      }
      // Also where every record that was left is done already: nothing else reports that there is room again.
      this.#events.taken(partition);
    }
    return taken;
  }

  /** Undoes `take`, for a delivery that nobody has seen. */
  untake(message: KafkaMessage): void {
    const record = deliveries.recordOf(message);
    if (record.message === message) record.partition.untake(record);
  }

  offer(partition: Partition): void {
    if (!this.open || !this.#enqueue(partition) || this.#taking) return;
    this.#events.available();
  }

  out(change: 1 | -1): void {
    const wasFull = this.#inFlight >= this.#options.maxInFlight;
    this.#inFlight += change;
    if (change === 1) return;
    if (wasFull && this.open) this.#events.available();
    if (this.#inFlight === 0) this.#events.drained();
  }

  momentIn(delayMs: number): number {
    return this.#options.clock.now() + delayMs;
  }

  delay(record: KafkaRecord, dueMs: number): void {
    if (!this.over) this.#delays.add(record, dueMs);
  }

  moved(partition: Partition): void {
    if (!this.over) this.#events.moved(partition);
  }

  settleWith(records: ReadonlySet<KafkaRecord>, commit: CommitOffsets): Promise<void> {
    return this.#events.settleWith(records, commit);
  }

  checkSettleWith(records: ReadonlySet<KafkaRecord>): void {
    this.#events.checkSettleWith(records);
  }

  /** Moves one partition: what is out of it is revoked. */
  seek(partition: Partition, offset: number): void {
    this.#options.counts.replace(partition.key, new Map());
    this.#delays.take(partition);
    partition.start(offset, false, "its subscriber was moved by seek()");
  }

  /** Gives nothing out any more; what is out can still be settled. */
  leave(): void {
    if (this.open) this.#state = "leaving";
  }

  /** Settles wait from now on: the group is about to say which partitions stay. */
  suspend(): void {
    if (this.#state === "leaving") this.#state = "undecided";
  }

  /** Revokes what is out of the partitions it still has. */
  end(reason: string): void {
    if (this.over) return;
    this.#state = "over";
    this.#delays.clear();
    for (const partition of this.#partitions.values()) {
      this.#options.counts.replace(partition.key, partition.end(reason));
    }
    this.#decision.resolve();
  }

  /** Offers records that were kept from the last assignment: requeued ones, and fetched ones. */
  offerKept(): void {
    for (const partition of this.#partitions.values()) {
      this.offer(partition);
      if (partition.position !== undefined) this.moved(partition);
    }
  }

  /** Gives a partition to the next assignment. */
  release(key: string): Kept | undefined {
    const partition = this.#partitions.get(key);
    if (partition === undefined || this.over) return undefined;
    this.#partitions.delete(key);
    return { partition, delayed: this.#delays.take(partition) };
  }

  #adopt({ partition, delayed }: Kept): void {
    partition.owner = this;
    partition.queued = false;
    this.#inFlight += partition.outstanding;
    for (const record of delayed) this.#delays.adopt(record);
  }

  /** Whether it stands in line now and did not before. */
  #enqueue(partition: Partition): boolean {
    if (partition.queued || !partition.ready) return false;
    partition.queued = true;
    this.#line.push(partition);
    return true;
  }
}
