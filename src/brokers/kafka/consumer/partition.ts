import { Heap } from "../../../structures/heap.ts";
import type { ClientRecord } from "../client.ts";
import {
  deliveries,
  KafkaMessage,
  KafkaRecord,
  type RecordPartition,
  type TransactionalSettlement,
} from "../message/message.ts";
import type { PartitionLimits } from "../options/subscription.ts";
import { FetchedRecords } from "./fetched-records.ts";
import { type Committable, type CommittedPartition, partitionKey } from "./offsets/committable.ts";
import { type DoneRanges, encodeDone } from "./offsets/done-ranges.ts";
import { Watermark } from "./offsets/watermark.ts";

/** What a partition tells its assignment. */
export interface PartitionOwner extends TransactionalSettlement {
  /** A delivery was taken (1), or settled (-1). */
  out(change: 1 | -1): void;
  /** It may have become ready. */
  offer(partition: Partition): void;
  /** What the clock will say in so many milliseconds. */
  momentIn(delayMs: number): number;
  /** The record is ready again at that moment, or at once if it has passed. */
  delay(record: KafkaRecord, dueMs: number): void;
  /** There may be more to commit. */
  moved(partition: Partition): void;
  /** Set between two assignments, when it is not known yet who has the partition in the next: settles wait for it. */
  readonly undecided: Promise<void> | undefined;
}

/**
 * One partition while this member has it: fetched records, deliveries that are out, requeued records, and the watermark.
 * A record is in exactly one state: fetched, out (`record.message`), returned, delayed, or done.
 */
export class Partition implements RecordPartition, CommittedPartition {
  readonly topic: string;
  readonly id: number;
  /** The assignment it is in. One that stays with this member goes from one to the next. */
  owner: PartitionOwner;
  readonly #limits: PartitionLimits;
  /** The offset after all that was taken in: where the next batch has to begin. Undefined until the start is known. */
  #position: number | undefined = undefined;
  #watermark: Watermark<KafkaRecord> = new Watermark(0);
  readonly #fetched: FetchedRecords = new FetchedRecords();
  /** Given back and due, the lowest offset first. */
  readonly #returned: Heap<KafkaRecord> = new Heap((a, b) => a.offset < b.offset);
  #earlier: Map<number, number> | undefined;
  /** What the last confirmed commit said, -1 before the first, and how many deliveries it covers. */
  #committed = -1;
  #confirmed = 0;
  /** Settles so far, and those the last confirmed commit knew of. */
  #settles = 0;
  #confirmedSettles = 0;
  /**
   * What was done above the committed offset before this partition came here. Every offset to commit keeps the part that
   * is not reached yet; without it, the next member that has the partition would deliver it again.
   */
  #doneBefore: DoneRanges | undefined = undefined;
  /** Counts the calls of `start`: a commit of an earlier life confirms nothing. */
  #life = 0;
  /** Stands in its assignment's line of ready partitions. The assignment's to write. */
  queued = false;

  /** `earlier`: how often records were delivered before, by offset. */
  constructor(
    topic: string,
    id: number,
    owner: PartitionOwner,
    limits: PartitionLimits,
    earlier?: Map<number, number>,
  ) {
    this.topic = topic;
    this.id = id;
    this.owner = owner;
    this.#limits = limits;
    this.#earlier = earlier;
  }

  get key(): string {
    return partitionKey(this.topic, this.id);
  }

  get position(): number | undefined {
    return this.#position;
  }

  /** The next offset that is safe to commit. */
  get watermark(): number {
    return this.#watermark.offset;
  }

  /** Settles a confirmed commit does not know of. */
  get unconfirmed(): number {
    return this.#settles - this.#confirmedSettles;
  }

  /** What is safe to commit; undefined until the start is known. */
  get offsetToCommit(): Committable | undefined {
    if (this.#position === undefined) return undefined;
    const { offset, covered, next } = this.#watermark;
    const done = encodeDone(offset, this.#watermark, next, this.#doneBefore);
    return {
      partition: this,
      offset,
      metadata: done?.text,
      covered: covered + (done?.records ?? 0),
      settles: this.#settles,
      life: this.#life,
    };
  }

  /** What is safe to commit and was not confirmed yet. */
  get committable(): Committable | undefined {
    const isKnown = this.#watermark.offset === this.#committed && this.unconfirmed === 0;
    return isKnown ? undefined : this.offsetToCommit;
  }

  /** Whether `take` has something to give. */
  get ready(): boolean {
    return this.#returned.size > 0 || (this.#fetched.size > 0 && !this.stalled);
  }

  /** The oldest unsettled delivery, or the committed offset, is so far behind that nothing new goes out. */
  get stalled(): boolean {
    const { delivered, covered } = this.#watermark;
    return delivered - Math.min(covered, this.#confirmed) >= this.#limits.maxUncommitted;
  }

  get full(): boolean {
    const { size, bytes } = this.#fetched;
    return size >= this.#limits.prefetchRecords || bytes >= this.#limits.prefetchBytes;
  }

  /** Half empty at least: it can be fetched again. */
  get relieved(): boolean {
    const { size, bytes } = this.#fetched;
    return size * 2 <= this.#limits.prefetchRecords && bytes * 2 <= this.#limits.prefetchBytes;
  }

  /**
   * Begins at `offset`. Drops what was fetched and revokes what is out. `committed`: the group has committed this offset
   * already. `done`: offsets that are not delivered again.
   */
  start(offset: number, committed: boolean, reason: string, done?: DoneRanges): void {
    const out = this.#out();
    this.#clear();
    this.#watermark = new Watermark(offset);
    this.#position = offset;
    this.#confirmed = 0;
    this.#settles = 0;
    this.#confirmedSettles = 0;
    this.#doneBefore = done;
    this.#committed = committed ? offset : -1;
    this.#life += 1;
    this.#revoke(out, reason);
    this.owner.moved(this);
  }

  /** Takes in a batch that begins at `position`. */
  accept(messages: readonly ClientRecord[], end: number): void {
    this.#fetched.push(messages, end);
    this.#position = end;
    this.owner.offer(this);
  }

  /** From `position` up to `end` there is no record to deliver. */
  skip(end: number): void {
    if (this.#position === undefined || end <= this.#position) return;
    this.#position = end;
    if (!this.#fetched.extendTo(end)) this.#passTo(end);
  }

  /** The next delivery: requeued records first, then in order. */
  take(): KafkaMessage | undefined {
    const record = this.#returned.pop() ?? this.#next();
    if (record === undefined) return undefined;
    const { raw } = record;
    if (raw === undefined) return undefined;
    record.deliveries += 1;
    record.message = new KafkaMessage(record, raw);
    this.owner.out(1);
    return record.message;
  }

  settle(record: KafkaRecord): Promise<void> | void {
    return this.#decided(record, () => {
      record.message = undefined;
      this.#done(record);
      this.owner.out(-1);
      this.owner.moved(this);
    });
  }

  requeue(record: KafkaRecord, delayMs: number): Promise<void> | void {
    // The delay runs while the settle waits for the group to say who has the partition.
    const dueMs = this.owner.momentIn(delayMs);
    return this.#decided(record, () => {
      record.message = undefined;
      this.owner.out(-1);
      if (delayMs > 0) this.owner.delay(record, dueMs);
      else this.giveBack(record);
    });
  }

  giveBack(record: KafkaRecord): void {
    this.#returned.push(record);
    this.owner.offer(this);
  }

  /** Undoes `take`, for a delivery that nobody has seen. */
  untake(record: KafkaRecord): void {
    record.deliveries -= 1;
    record.message = undefined;
    this.owner.out(-1);
    this.giveBack(record);
  }

  confirm({ offset, covered, settles, life }: Committable): void {
    if (life !== this.#life) return;
    this.#committed = offset;
    this.#confirmed = covered;
    this.#confirmedSettles = settles;
    this.owner.offer(this);
  }

  /** Nobody has to be told of what was settled. */
  confirmHere(): void {
    this.#confirmed = this.#watermark.delivered;
    this.#confirmedSettles = this.#settles;
  }

  /** How many deliveries are out. */
  get outstanding(): number {
    return this.#out().length;
  }

  #clear(): void {
    this.#fetched.clear();
    this.#returned.clear();
  }

  /** Revokes what is out. Gives how often each record was delivered that will come again. */
  end(reason: string): Map<number, number> {
    const counts = new Map(this.#earlier);
    for (const offset of counts.keys()) if (offset < this.watermark) counts.delete(offset);
    for (const { offset, done, deliveries } of this.#watermark) if (!done) counts.set(offset, deliveries);
    const out = this.#out();
    this.#clear();
    this.#revoke(out, reason);
    return counts;
  }

  /** What `watermark` would be if `records` were done too. */
  watermarkWith(records: ReadonlySet<KafkaRecord>): number {
    return this.#watermark.offsetWith(records);
  }

  /** Once it is known whose the partition is: at once, where that is no question. */
  #decided(record: KafkaRecord, settle: () => void): Promise<void> | void {
    const { undecided } = this.owner;
    if (undecided === undefined) return settle();
    const { message } = record;
    return undecided.then(() => {
      if (message?.revoked) throw message.revoked;
      settle();
    });
  }

  #done(record: KafkaRecord): void {
    record.raw = undefined;
    this.#settles += 1;
    this.#watermark.settle(record);
  }

  /** The next record that is not done. */
  #next(): KafkaRecord | undefined {
    for (;;) {
      const record = this.#nextFetched();
      if (record === undefined || !this.#doneBefore?.has(record.offset)) return record;
      this.#done(record);
      this.owner.moved(this);
    }
  }

  #nextFetched(): KafkaRecord | undefined {
    const raw = this.#fetched.peek();
    if (raw === undefined || this.stalled) return undefined;
    const offset = Number(raw.offset);
    const record = new KafkaRecord(this, raw, offset, this.#earlier?.get(offset) ?? 0);
    this.#watermark.deliver(record);
    const batchEnd = this.#fetched.shift();
    if (batchEnd !== undefined) this.#watermark.skipTo(batchEnd);
    return record;
  }

  #passTo(end: number): void {
    const before = this.#watermark.offset;
    this.#watermark.skipTo(end);
    if (this.#watermark.offset > before) this.owner.moved(this);
  }

  #out(): KafkaRecord[] {
    return [...this.#watermark].filter((record) => record.message !== undefined);
  }

  /** A holder hears of it at once, and whatever it calls then must find the revocation complete. */
  #revoke(out: readonly KafkaRecord[], reason: string): void {
    const revoked = out.flatMap(({ message }) => message ?? []);
    for (const record of out) {
      record.message = undefined;
      this.owner.out(-1);
    }
    for (const message of revoked) deliveries.revoke(message, reason);
  }
}
