import { type Assigner, AssignerProtocol, Kafka, logLevel } from "kafkajs";
import type { KafkaAssigner, KafkaConnection, KafkaSubscriber } from "tidelane/kafka";
import { expect, it, onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { JavaMember, javaClient } from "./java-member.ts";
import { connect, quick, take, texts, topicOf, until, withAdmin } from "./stage.ts";

const { sessionTimeoutMs: _, ...options } = quick;
const java = await javaClient();
const withJava = it.skipIf(typeof java === "string");
if (typeof java === "string") console.log(`left out: groups with members on Java. ${java}`);

function assigned({ assignment }: KafkaSubscriber): string[] {
  return assignment.map(({ topic, partition }) => `${topic}-${partition}`).sort();
}

/** What the group has agreed on. */
async function protocolOf(server: Server, group: string): Promise<string | undefined> {
  const { groups } = await withAdmin(server, (admin) => admin.describeGroups([group]));
  return groups[0]?.protocol;
}

function javaMember(server: Server, group: string, strategy: string, topics: string): JavaMember {
  if (typeof java === "string") throw new Error(java);
  return new JavaMember(java, server.address, group, `org.apache.kafka.clients.consumer.${strategy}`, topics);
}

/** Publishes one record to each partition, and says what they are. */
async function publishEach(
  connection: KafkaConnection,
  topic: string,
  partitions: number,
): Promise<string[]> {
  const payloads = Array.from({ length: partitions }, (_one, id) => `${topic}-${id}`);
  const publisher = connection.publisher();
  await Promise.all(payloads.map((payload, partition) => publisher.publish({ topic, payload, partition })));
  return payloads;
}

/** Both have their shares, and each gets what comes in its own. */
async function expectShared(
  connection: KafkaConnection,
  ours: KafkaSubscriber,
  theirs: JavaMember,
  topic: string,
  shares: { readonly ours: number[]; readonly theirs: number[] },
): Promise<void> {
  const named = (ids: number[]): string[] => ids.map((id) => `${topic}-${id}`);
  await until("each has its share", () => assigned(ours).length === shares.ours.length, 30_000);
  await until("the other has its own", () => theirs.assigned?.length === shares.theirs.length, 30_000);
  expect(assigned(ours)).toEqual(named(shares.ours));
  expect(theirs.assigned).toEqual(named(shares.theirs));
  await publishEach(connection, topic, 5);
  const messages = await take(ours, shares.ours.length);
  expect(texts(messages).sort()).toEqual(named(shares.ours));
  for (const message of messages) await message.ack();
  await until("the other got the rest", () => theirs.records.length === shares.theirs.length);
  expect([...theirs.records].sort()).toEqual(named(shares.theirs));
}

await describeLive("kafka", "a group of Kafka with members on other clients", (server) => {
  // A member id begins with the client id: "consumer-..." of Java comes before "tidelane-...".
  const shares = {
    range: { theirs: [0, 1, 2], ours: [3, 4] },
    roundrobin: { theirs: [0, 2, 4], ours: [1, 3] },
  } as const;

  withJava.each([
    ["range", "RangeAssignor"],
    ["roundrobin", "RoundRobinAssignor"],
  ] as const)("shares by %s with Java, led by tidelane", { timeout: 120_000 }, async (name, strategy) => {
    const connection = await connect(server);
    const topic = await topicOf(server, 5);
    const group = `${topic}-group`;
    const partitionAssigners: KafkaAssigner[] = ["tidelane-sticky", name];
    const ours = await connection.subscribe(topic, { ...options, group, partitionAssigners });
    expect(await protocolOf(server, group)).toBe("tidelane-sticky");
    const theirs = javaMember(server, group, strategy, topic);
    await expectShared(connection, ours, theirs, topic, {
      ours: [...shares[name].ours],
      theirs: [...shares[name].theirs],
    });
    expect(await protocolOf(server, group)).toBe(name);
    await theirs.leave();
    await until("ours has all again", () => ours.assignment.length === 5);
    expect(await protocolOf(server, group)).toBe("tidelane-sticky");
  });

  withJava("shares by range with Java, led by Java", { timeout: 120_000 }, async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 5);
    const group = `${topic}-group`;
    const theirs = javaMember(server, group, "RangeAssignor", topic);
    await until("Java has all", () => theirs.assigned?.length === 5);
    const ours = await connection.subscribe(topic, { ...options, group, partitionAssigners: ["range"] });
    await expectShared(connection, ours, theirs, topic, {
      ours: [...shares.range.ours],
      theirs: [...shares.range.theirs],
    });
  });

  withJava("has a topic that does not exist among those of Java, and leads all the same", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 2);
    const group = `${topic}-group`;
    const ours = await connection.subscribe(topic, { ...options, group, partitionAssigners: ["range"] });
    const theirs = javaMember(server, group, "RangeAssignor", `${topic},${topic}-not-there`);
    await until("each has one", () => ours.assignment.length === 1 && theirs.assigned?.length === 1);
  });

  it("shares with a raw member of kafkajs whose assigner has the same name", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 3);
    const group = `${topic}-group`;
    const ours = await connection.subscribe(topic, {
      ...options,
      group,
      partitionAssigners: ["tidelane-sticky", "range"],
    });
    const raw = new Kafka({ brokers: [server.address], clientId: "raw", logLevel: logLevel.NOTHING });
    const follower = ({ cluster: _cluster }: unknown & { cluster: unknown }): Assigner => ({
      name: "range",
      version: 0,
      protocol: ({ topics }) => ({
        name: "range",
        metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
      }),
      assign: () => Promise.reject(new Error("tidelane leads")),
    });
    const consumer = raw.consumer({ groupId: group, partitionAssigners: [follower], heartbeatInterval: 100 });
    let theirs: number[] = [];
    consumer.on("consumer.group_join", ({ payload }) => {
      theirs = payload.memberAssignment[topic] ?? [];
    });
    await consumer.connect();
    onTestFinished(() => consumer.disconnect());
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async () => {} });
    await until("each has its share", () => theirs.length === 2 && ours.assignment.length === 1);
    expect([theirs, assigned(ours)]).toEqual([[0, 1], [`${topic}-2`]]);
  });

  it("tells what to do where no assigner is common to all", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const group = `${topic}-group`;
    await connection.subscribe(topic, { ...options, group, partitionAssigners: ["range"] });
    await expect(connection.subscribe(topic, { ...options, group })).rejects.toThrow(
      `The subscription of "${topic}" ended: other members of the group share out partitions with another assigner; name one of theirs in partitionAssigners, or use another group.`,
    );
  });
});
