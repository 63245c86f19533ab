import type { CreateAssigner } from "./client.ts";

/** One completed join. The group counts its generations; between one and the next nobody else had any partition. */
export interface Joined {
  readonly generation: number;
  readonly memberId: string;
}

/** What a coordinator of kafkajs answers to a join. n.b. not in its types. */
interface Coordinator {
  joinGroup?: (request: unknown) => Promise<{ readonly generationId: number; readonly memberId: string }>;
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
  joined: (join: Joined) => void,
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

function listen(coordinator: Coordinator, joined: (join: Joined) => void): void {
  const join = coordinator.joinGroup?.bind(coordinator);
  if (join === undefined) return;
  coordinator.joinGroup = async (request) => {
    const answer = await join(request);
    joined({ generation: answer.generationId, memberId: answer.memberId });
    return answer;
  };
}
