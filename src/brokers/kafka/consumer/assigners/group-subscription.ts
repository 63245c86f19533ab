import type { AssignerConfig, KafkaModule } from "../../client.ts";

type Protocol = KafkaModule["AssignerProtocol"];

/** A member of a group, as it describes itself to the one that assigns the partitions. */
export interface GroupMember {
  readonly id: string;
  /** The `group.instance.id` of a static member. No client of kafkajs has one; others may. */
  readonly instanceId: string | undefined;
  readonly topics: readonly string[];
  /** What members on the same assigner tell each other. */
  readonly userData: Buffer | undefined;
}

/** The members of a group, and the partitions of the topics that they subscribe to. */
export interface GroupSubscription {
  readonly members: readonly GroupMember[];
  /** The partitions of every topic that exists, ascending. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
}

/** Partitions by member, then by topic. Every member is in it, because Java's client needs an answer that is not empty. */
export type GroupAssignment = Map<string, Map<string, number[]>>;

/** A member as kafkajs describes it. Its types do not have `groupInstanceId`. */
interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId?: string | null;
  readonly memberMetadata: Buffer;
}

/** Reads the subscriptions of the members, in whatever version their clients encode them, and looks up the partitions. */
export async function readSubscriptions(
  protocol: Protocol,
  cluster: AssignerConfig["cluster"],
  joined: readonly JoinedMember[],
): Promise<GroupSubscription> {
  const members = joined.map(({ memberId, groupInstanceId, memberMetadata }): GroupMember => {
    const metadata = protocol.MemberMetadata.decode(memberMetadata);
    return {
      id: memberId,
      instanceId: groupInstanceId ?? undefined,
      topics: metadata?.topics ?? [],
      userData: metadata?.userData ?? undefined,
    };
  });
  const topics = [...new Set(members.flatMap((member) => member.topics))];
  await addTopics(cluster, topics);
  const partitions = new Map<string, readonly number[]>();
  for (const topic of topics) {
    const ids = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
    if (ids.length > 0)
      partitions.set(
        topic,
        ids.sort((a, b) => a - b),
      );
  }
  return { members, partitions };
}

/** What kafkajs says of a topic that another member subscribes to and this user cannot see. */
const unseen = new Set([
  "UNKNOWN_TOPIC_OR_PARTITION",
  "INVALID_TOPIC_EXCEPTION",
  "TOPIC_AUTHORIZATION_FAILED",
]);

/** Other clients may subscribe to topics that do not exist: those have no partitions, and the others are shared out. */
async function addTopics(cluster: AssignerConfig["cluster"], topics: string[]): Promise<void> {
  try {
    await cluster.addMultipleTargetTopics(topics);
  } catch (error) {
    if (!isUnseen(error)) throw error;
    for (const topic of topics) {
      try {
        await cluster.addMultipleTargetTopics([topic]);
      } catch (failure) {
        if (!isUnseen(failure)) throw failure;
      }
    }
  }
}

function isUnseen(error: unknown): boolean {
  return error instanceof Error && "type" in error && unseen.has(String(error.type));
}

/** Encodes what each member gets. */
export function encodeAssignment(
  { MemberAssignment }: Protocol,
  shares: GroupAssignment,
): { memberId: string; memberAssignment: Buffer }[] {
  return Array.from(shares, ([memberId, share]) => ({
    memberId,
    memberAssignment: MemberAssignment.encode({
      version: 0,
      assignment: Object.fromEntries(share),
      userData: Buffer.alloc(0),
    }),
  }));
}
