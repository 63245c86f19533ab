/** A partition whose offset a group commits. */
export interface CommittedPartition {
  readonly topic: string;
  readonly id: number;
  readonly key: string;
  /** Settles that no confirmed commit knows of. */
  readonly unconfirmed: number;
  /** What is safe to commit; undefined until the start is known. */
  readonly offsetToCommit: Committable | undefined;
  /** What is safe to commit and was not confirmed yet. */
  readonly committable: Committable | undefined;
  confirm(committable: Committable): void;
}

/** An offset that is safe to commit, to be confirmed when it is. */
export interface Committable {
  readonly partition: CommittedPartition;
  readonly offset: number;
  /** What is done above it, for the metadata; undefined when nothing is. */
  readonly metadata: string | undefined;
  /** How many deliveries it covers with that. */
  readonly covered: number;
  /** How many settles it knows of, of which life of the partition. */
  readonly settles: number;
  readonly life: number;
}

export function partitionKey(topic: string, id: number): string {
  return `${topic}/${id}`;
}
