import { PositionUnavailableError } from "../../../../traits/errors.ts";
import { reportError } from "../../../shared/error-report.ts";
import type { Secrets } from "../../../shared/secrets.ts";
import { faultOf } from "../../errors.ts";
import type { Assignment } from "../assignment.ts";
import type { Positions } from "../offsets/positions.ts";
import type { Partition } from "../partition.ts";
import type { Member } from "./member.ts";

/** Puts a member back to a partition's position after kafkajs has fetched from another offset. */
export class PositionRepair {
  readonly #assignment: Assignment;
  readonly #member: Member;
  readonly #positions: Positions;
  readonly #secrets: Secrets;
  /** Partitions whose bounds are being looked up. */
  readonly #lookedUp = new Set<Partition>();

  constructor(assignment: Assignment, member: Member, positions: Positions, secrets: Secrets) {
    this.#assignment = assignment;
    this.#member = member;
    this.#positions = positions;
    this.#secrets = secrets;
  }

  /** kafkajs fetched from `at` by itself: the fetch was late, or the log has lost the partition's position. */
  async run(partition: Partition, at: number): Promise<void> {
    if (this.#lookedUp.has(partition)) return;
    if (at < (partition.position ?? 0)) {
      this.#member.seek(partition, partition.position ?? 0);
      return;
    }
    this.#lookedUp.add(partition);
    try {
      const bounds = await this.#positions.bounds(partition.topic, () => !this.#assignment.open);
      const log = bounds.get(partition.id);
      if (this.#assignment.open && log && partition.position !== undefined)
        this.#restorePosition(partition, partition.position, log);
    } catch (error) {
      if (!this.#assignment.open) return;
      reportError({ topic: partition.topic, error: faultOf(error, this.#secrets).cause });
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
      const error = new PositionUnavailableError({
        topic: partition.topic,
        position: `offset ${position} of partition ${partition.id}, where it was to go on`,
        available: `${low} to ${high}; it goes on at ${low}`,
      });
      reportError({ topic: partition.topic, error });
    }
    // Deleted by retention: what is out can still be settled. A log that was cut or made anew has other records there.
    if (position < low) partition.skip(low);
    if (position > high) this.#assignment.seek(partition, low);
    this.#member.seek(partition, partition.position ?? low);
  }
}
