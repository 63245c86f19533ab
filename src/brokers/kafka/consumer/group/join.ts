import type { CreateAssigner } from "../../client.ts";

/** The membership that a join gives: valid for one generation of the group. */
export interface Membership {
  readonly generation: number;
  readonly memberId: string;
  /** Whether this member shares out the partitions of the generation. */
  readonly isLeader: boolean;
  /** The last generation before this one in which anybody can have been assigned a partition. */
  readonly follows: number;
}

/** The answer to a JoinGroup request, as kafkajs's coordinator gives it. Its types do not have it. */
export interface JoinGroupResponse {
  readonly generationId: number;
  readonly memberId: string;
  readonly leaderId: string;
}

interface Coordinator {
  joinGroup?: (request: unknown) => Promise<JoinGroupResponse>;
  syncGroup?: (request: unknown) => Promise<unknown>;
}

/** What a member hears of its joins. */
export interface JoinEvents {
  joined(answer: JoinGroupResponse): void;
  /** The group took no assignment from this member, because it had begun again. */
  superseded(): void;
}

/**
 * `unassigned`: the join of this member before it, if the group began again before it took an assignment. Where it led the
 * group then, nobody got one, because the group takes assignments from its leader alone.
 * Any other failure proves nothing, because a coordinator that failed over may have given the assignment out.
 */
export function membershipAfter(
  unassigned: Membership | undefined,
  { generationId: generation, memberId, leaderId }: JoinGroupResponse,
): Membership {
  const isLeader = leaderId === memberId;
  const isEmpty =
    unassigned?.isLeader === true &&
    unassigned.memberId === memberId &&
    unassigned.generation === generation - 1;
  return { generation, memberId, isLeader, follows: isEmpty ? unassigned.follows : generation - 1 };
}

/**
 * Makes a consumer wait for `ready` before it joins its group, the first time and at every rebalance, and reports what
 * came of the join. kafkajs has no hook before a join. But every join first looks up the group's coordinator on the
 * cluster that the assigners get, so the lookup is where the join can wait. If `ready` rejects, the consumer ends.
 */
export function interceptJoins(
  create: CreateAssigner,
  ready: () => Promise<void>,
  events: JoinEvents,
): CreateAssigner {
  return (config) => {
    const { cluster } = config;
    const find = cluster.findGroupCoordinator.bind(cluster);
    const heard = new WeakSet<object>();
    cluster.findGroupCoordinator = async (group) => {
      await ready();
      const coordinator = (await find(group)) as Coordinator | undefined;
      if (coordinator && !heard.has(coordinator)) {
        heard.add(coordinator);
        listen(coordinator, events);
      }
      return coordinator;
    };
    return create(config);
  };
}

function listen(coordinator: Coordinator, events: JoinEvents): void {
  const join = coordinator.joinGroup?.bind(coordinator);
  const sync = coordinator.syncGroup?.bind(coordinator);
  if (join === undefined || sync === undefined) return;
  coordinator.joinGroup = async (request) => {
    const answer = await join(request);
    events.joined(answer);
    return answer;
  };
  coordinator.syncGroup = async (request) => {
    try {
      return await sync(request);
    } catch (error) {
      if ((error as { type?: unknown } | undefined)?.type === "REBALANCE_IN_PROGRESS") events.superseded();
      throw error;
    }
  };
}
