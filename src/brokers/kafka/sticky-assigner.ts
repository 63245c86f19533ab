import { balance, type Claimant } from "./balance.ts";
import type { CreateAssigner, KafkaModule } from "./client.ts";

type Protocol = KafkaModule["AssignerProtocol"];

/** What a member has as it joins again. */
export interface Ownership {
  readonly partitions: Readonly<Record<string, readonly number[]>>;
  readonly generation: number;
}

/**
 * Lets partitions stay where they are when members come and go, as far as an even share allows. Every member says what
 * it had; the one that leads the group works it out. Members may subscribe to different topics.
 */
export function stickyAssigner(protocol: Protocol, owned: () => Ownership): CreateAssigner {
  const name = "tidelane-sticky";
  const version = 0;
  const { MemberMetadata, MemberAssignment } = protocol;
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => {
      const userData = Buffer.from(JSON.stringify(owned()));
      return { name, metadata: MemberMetadata.encode({ version, topics, userData }) };
    },
    assign: async ({ members }) => {
      const claimants = members.map(({ memberId, memberMetadata }) => {
        const metadata = MemberMetadata.decode(memberMetadata);
        return claimantOf(memberId, metadata?.topics ?? [], metadata?.userData);
      });
      const topics = [...new Set(claimants.flatMap((claimant) => claimant.topics))];
      await cluster.addMultipleTargetTopics(topics);
      const partitions = new Map(
        topics.map((topic) => [
          topic,
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
        ]),
      );
      return Array.from(balance(claimants, partitions), ([memberId, share]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: Object.fromEntries(share),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

/** n.b. what a member says of itself may come from another version of this library. */
function claimantOf(id: string, topics: readonly string[], userData: Buffer | undefined): Claimant {
  const none = { id, topics, owned: {}, generation: -1 };
  try {
    const said: Partial<Ownership> = JSON.parse(String(userData));
    if (typeof said.partitions !== "object" || typeof said.generation !== "number") return none;
    return { id, topics, owned: said.partitions, generation: said.generation };
  } catch {
    return none;
  }
}
