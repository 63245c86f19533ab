import { Kafka, logLevel } from "kafkajs";
import { isTidelaneError } from "tidelane";
import { AmqpBroker } from "tidelane/amqp";
import { KafkaBroker } from "tidelane/kafka";
import { JetStreamBroker } from "tidelane/nats";
import { ServerStartError, ServerUnavailableError } from "../../scripts/brokers/errors.ts";
import { referTo } from "../../scripts/brokers/processes.ts";
import type { ServerKind } from "../../scripts/brokers/recipe.ts";
import { externalServer, releaseServers, sharedServer } from "../../scripts/brokers/servers.ts";
import { type Announce, BrokerError, type DemoConnection, type DemoTopics } from "./brokers.ts";

/** A run has topics of its own, on a server that may be somebody else's as well. */
const run = `${process.pid}-${Date.now()}`;
/** What is left there, on a server that goes on, is gone after this. */
const leftMs = 600_000;

const partitions = 4;

/** Streams: what is published is kept, delivered, acked. */
export function connectToNats(announce: Announce): Promise<DemoConnection> {
  return onServer("nats", announce, async (address) => {
    const connection = await new JetStreamBroker({ servers: address }).connect();
    await connection.createStream("tidelane-demo", {
      subjects: ["tidelane-demo.>"],
      storage: "memory",
      maxAgeMs: leftMs,
    });
    return {
      topics: { lines: `tidelane-demo.${run}.lines`, deadLetters: `tidelane-demo.${run}.dead-letters` },
      publisher: () => connection.publisher(),
      subscribe: (topic) => connection.subscribe(topic),
      close: () => connection.close(),
    };
  });
}

/** Quorum queues, which delete themselves when nobody uses them any more. */
export function connectToRabbitmq(announce: Announce): Promise<DemoConnection> {
  return onServer("rabbitmq", announce, async (address) => {
    const connection = await new AmqpBroker({ url: address }).connect();
    return {
      topics: dashed(),
      publisher: () => connection.publisher(),
      subscribe: (topic) => connection.subscribe(topic, { create: { expiresMs: leftMs } }),
      close: () => connection.close(),
    };
  });
}

/** A topic of four partitions, and one of one partition for the dead letters, whose last one says that it is. */
export function connectToKafka(announce: Announce): Promise<DemoConnection> {
  return onServer("kafka", announce, async (address) => {
    const connection = await new KafkaBroker({ brokers: address }).connect();
    const topics = dashed();
    const admin = new Kafka({ brokers: address.split(","), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic: topics.lines, numPartitions: partitions },
        { topic: topics.deadLetters, numPartitions: 1 },
      ],
    });
    return {
      topics,
      publisher: () => connection.publisher(),
      subscribe: (topic) => connection.subscribe(topic),
      close: async () => {
        await connection.close();
        await admin.deleteTopics({ topics: [topics.lines, topics.deadLetters] }).catch(() => {});
        await admin.disconnect();
      },
    };
  });
}

function dashed(): DemoTopics {
  return { lines: `tidelane-demo-${run}-lines`, deadLetters: `tidelane-demo-${run}-dead-letters` };
}

/** On the server that answers, or on one that is started for the demo and ended after it. */
async function onServer(
  kind: ServerKind,
  announce: Announce,
  connect: (address: string) => Promise<DemoConnection>,
): Promise<DemoConnection> {
  const user = referTo(process.pid);
  const release = (): Promise<void> => releaseServers(user, () => {}).catch(() => {});
  try {
    // One that is named in the environment answers now or not at all: the connection says why.
    const server = (await externalServer(kind)) ?? (await sharedServer(kind, { user, report: announce }));
    const connection = await connect(server.address);
    return {
      ...connection,
      close: async () => {
        await connection.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    const isOurs = error instanceof ServerUnavailableError || error instanceof ServerStartError;
    if (isOurs || isTidelaneError(error)) throw new BrokerError(error.message, { cause: error });
    throw error;
  }
}
