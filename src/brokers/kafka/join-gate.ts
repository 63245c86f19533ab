import type { CreateAssigner } from "./client.ts";

/**
 * Makes a consumer wait for `ready` before it joins its group, the first time and at every rebalance. kafkajs offers no
 * such place: it tells that it is going to join again, and does. But a join begins with a look at who coordinates the
 * group, on the cluster its assigners are made with, and there it can be held. `ready` that rejects ends the consumer.
 */
export function gateJoins(create: CreateAssigner, ready: () => Promise<void>): CreateAssigner {
  return (place) => {
    const { cluster } = place;
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      await ready();
      return find(group);
    };
    return create(place);
  };
}
