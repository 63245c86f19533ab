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
  /** Whether the error says that the group has removed the member. */
  readonly isRemoval: (error: unknown) => boolean;
  /** Resolves when every delivery that was out is settled or revoked. */
  readonly drained: Promise<void>;
  /** Resolves when there is no use in waiting. */
  readonly hurried: Promise<void>;
}

/**
 * Prepares an assignment for a rebalance, while the group waits for this member to join again. It delivers nothing new,
 * gives what is out until the limit to be settled, and commits everything that is settled. Whether the remaining
 * deliveries are revoked depends on which partitions this member keeps: `Subscription.joined` decides it after the join.
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

/** Resolves with whether the group has removed the member meanwhile. */
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

/** Sends heartbeats until `end`. Their answer that the group rebalances is no news; the join finds out the rest. */
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
