import type { CreateAssigner } from "../../client.ts";

/** One answered join. The group counts its generations; between one and the next nobody else had any partition. */
export interface Membership {
  readonly generation: number;
  readonly memberId: string;
  /** Whether this member shares out the partitions of the generation. */
  readonly isLeader: boolean;
  /** The last generation before this one in which anybody can have been assigned a partition. */
  readonly follows: number;
}

/** What a coordinator of kafkajs answers to a join. n.b. not in its types. */
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
 * n.b. any other failure proves nothing: a coordinator that failed over may have given the assignment out.
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
 * Makes a consumer wait for `ready` before it joins its group, the first time and at every rebalance, and tells what came
 * of the join. kafkajs has no such places: it announces that it is going to join again, and does. But a join begins with a
 * look at who coordinates the group, on the cluster its assigners are made with, and there it can be held. `ready` that
 * rejects ends the consumer.
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
