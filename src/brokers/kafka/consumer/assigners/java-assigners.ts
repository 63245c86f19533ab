import type { CreateAssigner, KafkaModule } from "../../client.ts";
import {
  encodeAssignment,
  type GroupAssignment,
  type GroupMember,
  type GroupSubscription,
  readSubscriptions,
} from "./group-subscription.ts";

type Protocol = KafkaModule["AssignerProtocol"];

/** The assigners of Kafka's Java client and of librdkafka that other clients share, by their names on the wire. */
type SharedAssigner = "range" | "roundrobin";

const assignBy: Readonly<Record<SharedAssigner, typeof assignRanges>> = {
  range: assignRanges,
  roundrobin: assignRoundRobin,
};

/**
 * Lets a group have members of other clients. Whoever leads the group, the shares are those that Java's RangeAssignor or
 * RoundRobinAssignor would give, racks aside.
 */
export function javaAssigner(protocol: Protocol, name: SharedAssigner): CreateAssigner {
  const version = 0;
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => {
      const metadata = protocol.MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) });
      return { name, metadata };
    },
    assign: async ({ members }) =>
      encodeAssignment(protocol, assignBy[name](await readSubscriptions(protocol, cluster, members))),
  });
}

/** Topic by topic: consecutive partitions for each member, one more for the first ones where they do not divide evenly. */
export function assignRanges({ members, partitions }: GroupSubscription): GroupAssignment {
  const sorted = inJavaOrder(members);
  const shares = nothingFor(sorted);
  for (const [topic, ids] of partitions) {
    const takers = sorted.filter(({ topics }) => topics.includes(topic));
    const each = Math.floor(ids.length / takers.length);
    const more = ids.length % takers.length;
    for (const [index, { id }] of takers.entries()) {
      const start = index * each + Math.min(index, more);
      const share = ids.slice(start, start + each + (index < more ? 1 : 0));
      if (share.length > 0) shares.get(id)?.set(topic, share);
    }
  }
  return shares;
}

/** Partition by partition over all topics, members in turn; one that does not subscribe to the topic is passed over. */
export function assignRoundRobin({ members, partitions }: GroupSubscription): GroupAssignment {
  const sorted = inJavaOrder(members);
  const shares = nothingFor(sorted);
  let turn = 0;
  for (const topic of [...partitions.keys()].sort()) {
    for (const partition of partitions.get(topic) ?? []) {
      // Somebody subscribes to it, or it would not be here.
      while (!sorted[turn % sorted.length]?.topics.includes(topic)) turn += 1;
      const share = shares.get(sorted[turn % sorted.length]?.id ?? "");
      share?.set(topic, [...(share.get(topic) ?? []), partition]);
      turn += 1;
    }
  }
  return shares;
}

/** Static members first, by their instance id; then the others by member id. */
function inJavaOrder(members: readonly GroupMember[]): GroupMember[] {
  return [...members].sort((a, b) => {
    if (a.instanceId !== undefined && b.instanceId !== undefined) return compare(a.instanceId, b.instanceId);
    if (a.instanceId !== undefined) return -1;
    return b.instanceId === undefined ? compare(a.id, b.id) : 1;
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function nothingFor(members: readonly GroupMember[]): GroupAssignment {
  return new Map(members.map(({ id }) => [id, new Map()]));
}
