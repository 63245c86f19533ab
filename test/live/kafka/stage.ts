import type { Socket } from "node:net";
import { connect as connectTcp } from "node:net";
import { type Admin, Kafka, logLevel } from "kafkajs";
import {
  KafkaBroker,
  type KafkaBrokerOptions,
  type KafkaConnection,
  type KafkaMessage,
  type KafkaSubscribeOptions,
  type KafkaSubscriber,
} from "tidelane/kafka";
import { onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { createTopics } from "../kafka-topics.ts";
import type { TcpProxy } from "../tcp-proxy.ts";
import { fresh } from "../waiting.ts";

export { fresh, pause, until } from "../waiting.ts";

/** With these a loss is noticed within a second or two. The server has to allow the session: see quickServer. */
export const quick: KafkaSubscribeOptions = {
  from: "start",
  sessionTimeoutMs: 1_000,
  heartbeatIntervalMs: 100,
  rebalanceTimeoutMs: 3_000,
  drainMs: 300,
  commitIntervalMs: 20,
  fetch: { maxWaitMs: 50 },
};

/** A connection that is closed with the test. */
export async function connect(
  server: Server,
  options: Partial<KafkaBrokerOptions> = {},
): Promise<KafkaConnection> {
  const connection = await new KafkaBroker({ brokers: server.address, ...options }).connect();
  onTestFinished(() => connection.close());
  return connection;
}

/** Options of a broker whose connections all go through the proxy, whatever address the server tells of itself. */
export function through(proxy: TcpProxy): Pick<KafkaBrokerOptions, "socketFactory"> {
  return {
    socketFactory: ({ onConnect }): Socket => connectTcp({ host: "127.0.0.1", port: proxy.port }, onConnect),
  };
}

export async function withAdmin<T>(server: Server, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** A new topic. */
export async function topicOf(server: Server, numPartitions = 1, name = "topic"): Promise<string> {
  const topic = fresh(name);
  await withAdmin(server, (admin) => createTopics(admin, [{ topic, numPartitions }]));
  return topic;
}

/** What a group has committed, by partition; -1 for nothing. */
export async function committed(server: Server, groupId: string, topic: string): Promise<number[]> {
  const [offsets] = await withAdmin(server, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  const partitions = offsets?.partitions ?? [];
  return partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
}

/** The next `wanted` deliveries, unsettled. */
export async function take(subscriber: KafkaSubscriber, wanted: number): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  for await (const message of subscriber) {
    messages.push(message);
    if (messages.length === wanted) break;
  }
  return messages;
}

export async function takeOne(subscriber: KafkaSubscriber): Promise<KafkaMessage> {
  const [message] = await take(subscriber, 1);
  if (message === undefined) throw new Error(`the subscription of ${subscriber.topic} ended`);
  return message;
}

export function texts(messages: readonly KafkaMessage[]): string[] {
  return messages.map((message) => message.text());
}
