import type { CreateAssigner, KafkaModule } from "../../client.ts";
import { balance, type StickyMember } from "./balance.ts";
import { encodeAssignment, type GroupMember, readSubscriptions } from "./group-subscription.ts";

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
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => {
      const userData = Buffer.from(JSON.stringify(owned()));
      return { name, metadata: protocol.MemberMetadata.encode({ version, topics, userData }) };
    },
    assign: async (group) => {
      const { members, partitions } = await readSubscriptions(protocol, cluster, group.members);
      return encodeAssignment(protocol, balance(members.map(stickyMemberOf), partitions));
    },
  });
}

/** The user data of a member may come from another version of this library. */
function stickyMemberOf({ id, topics, userData }: GroupMember): StickyMember {
  const none = { id, topics, owned: {}, generation: -1 };
  try {
    const said: Partial<Ownership> = JSON.parse(String(userData));
    if (typeof said.partitions !== "object" || typeof said.generation !== "number") return none;
    return { id, topics, owned: said.partitions, generation: said.generation };
  } catch {
    return none;
  }
}
