import type { Clock, Timer } from "../../../../traits/clock.ts";
import type { Committable, CommittedPartition } from "./committable.ts";

export interface CommitterOptions {
  readonly clock: Clock;
  /** How long a settle may wait to be committed. */
  readonly intervalMs: number;
  /** Settles of a partition that no commit knows of at which it is committed at once. */
  readonly urgentAt: number;
  /** Tells the group. Rejects when the group did not take it. */
  readonly send: (committables: readonly Committable[]) => Promise<void>;
  /** A commit was not taken. What it said is tried again after the interval. */
  readonly failed: (error: unknown) => void;
}

/** Commits what is settled: one commit at a time, each for all partitions that moved since the last. */
export class Committer {
  readonly #options: CommitterOptions;
  /** Partitions that may have something to commit. */
  readonly #moved = new Set<CommittedPartition>();
  #timer: Timer | undefined = undefined;
  /** The commit under way, here or in a `hold`. Never rejects. */
  #sending: Promise<unknown> | undefined = undefined;
  #stopped = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  moved(partition: CommittedPartition): void {
    this.#moved.add(partition);
    if (this.#stopped || this.#sending !== undefined) return;
    if (partition.unconfirmed >= this.#options.urgentAt) void this.#send();
    else this.#arm();
  }

  /** Commits all there is, after what is under way. Gives the error where the group did not take it. */
  async flush(): Promise<unknown> {
    while (this.#sending !== undefined) await this.#sending;
    return this.#send();
  }

  /** Commits what is committed already, to hear whether the group still listens. Gives its refusal. */
  async prove(partitions: Iterable<CommittedPartition>): Promise<unknown> {
    for (const { offsetToCommit } of partitions) {
      if (offsetToCommit === undefined) continue;
      return this.hold(() =>
        this.#options.send([offsetToCommit]).then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
    }
    return undefined;
  }

  /** Runs `work`, which commits by itself, while nothing else is committed. One at a time. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    while (this.#sending !== undefined) await this.#sending;
    const held = work();
    this.#sending = held.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await held;
    } finally {
      this.#sending = undefined;
      this.#schedule();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** At once where many deliveries wait for it, else when the interval is over. */
  #schedule(): void {
    if (this.#stopped || this.#sending !== undefined) return;
    const urgent = [...this.#moved].some(({ unconfirmed }) => unconfirmed >= this.#options.urgentAt);
    if (urgent) void this.#send();
    else if (this.#moved.size > 0) this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer ??= this.#options.clock.schedule(this.#options.intervalMs, () => {
      this.#timer = undefined;
      if (this.#sending === undefined) void this.#send();
    });
  }

  async #send(): Promise<unknown> {
    const committables = [...this.#moved].flatMap((partition) => partition.committable ?? []);
    this.#moved.clear();
    if (committables.length === 0) return undefined;
    const sending = this.#commit(committables);
    this.#sending = sending;
    const error = await sending;
    this.#sending = undefined;
    // What was refused would be refused again at once.
    if (error === undefined) this.#schedule();
    else this.#arm();
    return error;
  }

  /** Never rejects. */
  async #commit(committables: readonly Committable[]): Promise<unknown> {
    try {
      await this.#options.send(committables);
      for (const committable of committables) committable.partition.confirm(committable);
      return undefined;
    } catch (error) {
      for (const { partition } of committables) this.#moved.add(partition);
      this.#options.failed(error);
      return error;
    }
  }
}
