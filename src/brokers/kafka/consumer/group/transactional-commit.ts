import { TransactionError } from "../../../../traits/errors.ts";
import type { CommitOffsets, KafkaRecord, TransactionalSettlement } from "../../message/message.ts";
import type { Assignment } from "../assignment.ts";
import type { Committer } from "../offsets/committer.ts";

/** Settles what a transaction consumed: the transaction commits the group's offsets in place of the member. */
export class TransactionalCommit implements TransactionalSettlement {
  readonly #assignment: Assignment;
  readonly #group: string | undefined;
  readonly #committer: Committer | undefined;

  constructor(assignment: Assignment, group: string | undefined, committer: Committer | undefined) {
    this.#assignment = assignment;
    this.#group = group;
    this.#committer = committer;
  }

  /** Settles the deliveries if `commit` succeeds; meanwhile the member commits nothing. */
  async settleWith(records: ReadonlySet<KafkaRecord>, commit: CommitOffsets): Promise<void> {
    const group = this.#group;
    const committer = this.#committer;
    this.checkSettleWith(records);
    if (group === undefined || committer === undefined) return;
    await committer.hold(async () => {
      this.checkSettleWith(records);
      const consumed = new Set<object>(Array.from(records, ({ partition }) => partition));
      const partitions = [...this.#assignment.partitions].filter((partition) => consumed.has(partition));
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
    if (this.#assignment.over) return "the partitions of what it consumed were taken away";
    for (const { partition, offset, message } of records) {
      if (message === undefined)
        return `offset ${offset} of "${partition.topic}" is settled or revoked already`;
      const next = partition.watermarkWith(records);
      if (next > offset) continue;
      return `it consumed offset ${offset} of "${partition.topic}", and offset ${next} before it is not settled`;
    }
    return undefined;
  }
}
