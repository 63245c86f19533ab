import type { CreateAssigner } from "./client.ts";

/** One answered join. The group counts its generations; between one and the next nobody else had any partition. */
export interface Joined {
  readonly generation: number;
  readonly memberId: string;
  /** Whether this member shares out the partitions of the generation. */
  readonly isLeader: boolean;
  /** The last generation before this one in which anybody can have been assigned a partition. */
  readonly follows: number;
}

/** What a coordinator of kafkajs answers to a join. n.b. not in its types. */
export interface JoinAnswer {
  readonly generationId: number;
  readonly memberId: string;
  readonly leaderId: string;
}

interface Coordinator {
  joinGroup?: (request: unknown) => Promise<JoinAnswer>;
}

/**
 * `unassigned`: the join of this member before it, if no assignment came of that. Where it led the group then, nobody got
 * one, because the group takes assignments from its leader alone: another member joined, and the group began again.
 */
export function joinAfter(
  unassigned: Joined | undefined,
  { generationId: generation, memberId, leaderId }: JoinAnswer,
): Joined {
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
export function gateJoins(
  create: CreateAssigner,
  ready: () => Promise<void>,
  joined: (answer: JoinAnswer) => void,
): CreateAssigner {
  return (place) => {
    const { cluster } = place;
    const find = cluster.findGroupCoordinator.bind(cluster);
    const heard = new WeakSet<object>();
    cluster.findGroupCoordinator = async (group) => {
      await ready();
      const coordinator = (await find(group)) as Coordinator | undefined;
      if (coordinator && !heard.has(coordinator)) {
        heard.add(coordinator);
        listen(coordinator, joined);
      }
      return coordinator;
    };
    return create(place);
  };
}

function listen(coordinator: Coordinator, joined: (answer: JoinAnswer) => void): void {
  const join = coordinator.joinGroup?.bind(coordinator);
  if (join === undefined) return;
  coordinator.joinGroup = async (request) => {
    const answer = await join(request);
    joined(answer);
    return answer;
  };
}
