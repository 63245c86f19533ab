import { connect as connectTcp } from "node:net";
import { Kafka, logLevel } from "kafkajs";
import { KafkaBroker, type KafkaSubscribeOptions } from "tidelane/kafka";
import { createTopics } from "../../test/live/kafka-topics.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultFacts, FaultPlugIn, Line, Place, Station } from "./plug-in.ts";

const partitions = 6;
const maxUncommitted = 200;

async function connect({ contact, port }: Line): Promise<Station> {
  const broker = new KafkaBroker({
    brokers: contact.address,
    connectionTimeoutMs: 1_500,
    requestTimeoutMs: 3_000,
    closeTimeoutMs: 3_000,
    reconnect: { initialMs: 20, maxMs: 200 },
    // The server announces its own address, so kafkajs would go around the proxy.
    socketFactory: ({ onConnect }) => connectTcp({ host: "127.0.0.1", port }, onConnect),
  });
  const connection = await broker.connect();
  const publisher = connection.publisher({ publishTimeoutMs: 20_000 });
  return {
    declare: ({ topic }) => createTopic(contact.address, topic),
    subscribe: (place) => connection.subscribe(place.topic, options(place)),
    publish: ({ topic }, { key, payload, id }) =>
      publisher.publish({ topic, key, payload, headers: { "message-id": id } }),
    close: () => connection.close(),
  };
}

function options({ group, inFlight }: Place): KafkaSubscribeOptions {
  return {
    group,
    from: "start",
    maxInFlight: inFlight,
    maxUncommitted,
    commitIntervalMs: 20,
    sessionTimeoutMs: 3_000,
    heartbeatIntervalMs: 300,
    rebalanceTimeoutMs: 5_000,
    drainMs: 1_000,
    fetch: { maxWaitMs: 100 },
  };
}

async function createTopic(address: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await createTopics(admin, [{ topic, numPartitions: partitions }]);
  } finally {
    await admin.disconnect();
  }
}

function mostRepeats({ kind, times, how }: FaultPlan, { members }: FaultFacts): number {
  if (kind === "reopen" && how === "drain" && members === 1) return 0;
  const moves = kind === "member" || kind === "move" ? 2 : times;
  return moves * partitions * maxUncommitted;
}

export const kafka: FaultPlugIn = {
  name: "kafka",
  server: "kafka",
  serverConfig: ["group.min.session.timeout.ms=500"],
  furtherKinds: ["member", "move"],
  storesOnce: false,
  quietMs: 4_000,
  connect,
  mostRepeats,
  repeatsWhy: `a time partitions are revoked: what was delivered above the committed offset of each, ${partitions} times maxUncommitted (${maxUncommitted}) at most; a member comes and goes: twice; a drain of the only member: none`,
};
