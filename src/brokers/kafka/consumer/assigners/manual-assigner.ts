import type { CreateAssigner, KafkaModule } from "../../client.ts";

type Protocol = KafkaModule["AssignerProtocol"];

/**
 * Gives every member the partitions it asks for, whoever else has them. kafkajs has no consumer outside a group, so this
 * is how partitions are chosen by hand; a member that assigns in another way is refused by the server.
 */
export function manualAssigner(protocol: Protocol, partitions: readonly number[]): CreateAssigner {
  const name = "tidelane-manual";
  const version = 0;
  return () => ({
    name,
    version,
    protocol: ({ topics }) => {
      const wanted = Object.fromEntries(topics.map((topic) => [topic, partitions]));
      const userData = Buffer.from(JSON.stringify(wanted));
      return { name, metadata: protocol.MemberMetadata.encode({ version, topics, userData }) };
    },
    assign: async ({ members }) =>
      members.map(({ memberId, memberMetadata }) => {
        const userData = protocol.MemberMetadata.decode(memberMetadata)?.userData.toString() ?? "{}";
        const assignment: { [topic: string]: number[] } = JSON.parse(userData);
        const encoded = protocol.MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) });
        return { memberId, memberAssignment: encoded };
      }),
  });
}
