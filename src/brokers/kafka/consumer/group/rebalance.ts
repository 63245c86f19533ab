import { type Clock, sleep } from "../../../../traits/clock.ts";
import { within } from "../../../shared/within.ts";
import type { Assignment } from "../assignment.ts";
import type { Committer } from "../offsets/committer.ts";

export interface RebalanceOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly heartbeatIntervalMs: number;
  /** Rejects with what the group says. */
  readonly heartbeat: () => Promise<void>;
  /** The group said that the membership is over. */
  readonly isRemoval: (error: unknown) => boolean;
  /** Resolves when nothing is out any more. */
  readonly drained: Promise<void>;
  /** Resolves when there is no use in waiting. */
  readonly hurried: Promise<void>;
}

/**
 * Gets an assignment ready for the group to share its partitions out anew, for which the group waits: nothing new goes
 * out, what is out has until the limit to be settled, and everything settled is committed. What is left then depends on
 * which partitions stay.
 */
export async function prepareRebalance(
  assignment: Assignment,
  committer: Committer | undefined,
  options: RebalanceOptions,
): Promise<void> {
  assignment.leave();
  const removed = assignment.inFlight > 0 && (await drain(assignment, committer, options));
  // Others have the partitions by now.
  if (removed) assignment.end("the group no longer counts this process as a member");
  if (committer) await within(options.clock, options.limitMs, committer.flush());
  assignment.suspend();
}

/** Whether it turned out that the group does not count us a member any more. */
async function drain(
  assignment: Assignment,
  committer: Committer | undefined,
  options: RebalanceOptions,
): Promise<boolean> {
  const end = new AbortController();
  let removed = false;
  const hurry = (error: unknown): void => {
    if (!options.isRemoval(error)) return;
    removed = true;
    end.abort();
  };
  committer?.prove(assignment.partitions).then(hurry, hurry);
  const given = sleep(options.clock, options.limitMs, end.signal).catch(() => undefined);
  const beating = beat(options, end.signal, hurry);
  await Promise.race([given, options.drained, options.hurried]);
  end.abort();
  await beating;
  return removed;
}

/** Keeps the membership alive until `end`. That the group rebalances is known; the rest is for the join to find out. */
async function beat(
  options: RebalanceOptions,
  end: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!end.aborted) {
    try {
      await sleep(options.clock, options.heartbeatIntervalMs, end);
      await options.heartbeat();
    } catch (error) {
      failed(error);
    }
  }
}
