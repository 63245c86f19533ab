import { connect as connectAmqp } from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { connect as connectNats } from "nats";
import { createClient } from "redis";
import type { ServerKind } from "../../../scripts/brokers/recipe.ts";
import { createTopics } from "../kafka-topics.ts";

/** The least a client does: nothing of ours is between the test and the server. */
export interface RawClient {
  /** Makes a stream, a quorum queue or a topic of one partition. */
  declare(topic: string): Promise<void>;
  /** Resolves when the server has confirmed every text. */
  publish(topic: string, texts: readonly string[]): Promise<void>;
  /** The first `count` texts of a topic, in the server's order. */
  read(topic: string, count: number): Promise<string[]>;
}

export const rawClients: Readonly<Record<ServerKind, (address: string) => RawClient>> = {
  nats: (address) => ({
    async declare(topic) {
      const connection = await connectNats({ servers: address });
      const manager = await connection.jetstreamManager();
      await manager.streams.add({ name: topic, subjects: [topic] });
      await connection.close();
    },
    async publish(topic, texts) {
      const connection = await connectNats({ servers: address });
      const jetstream = connection.jetstream();
      await Promise.all(texts.map((text) => jetstream.publish(topic, new TextEncoder().encode(text))));
      await connection.close();
    },
    async read(topic, count) {
      const connection = await connectNats({ servers: address });
      const consumer = await connection.jetstream().consumers.get(topic);
      const found: string[] = [];
      for await (const message of await consumer.fetch({ max_messages: count, expires: 10_000 })) {
        found.push(message.string());
      }
      await connection.close();
      return found;
    },
  }),

  rabbitmq: (address) => ({
    async declare(topic) {
      const connection = await connectAmqp(address);
      const channel = await connection.createChannel();
      await channel.assertQueue(topic, { durable: true, arguments: { "x-queue-type": "quorum" } });
      await connection.close();
    },
    async publish(topic, texts) {
      const connection = await connectAmqp(address);
      const channel = await connection.createConfirmChannel();
      for (const text of texts) channel.sendToQueue(topic, Buffer.from(text), { persistent: true });
      await channel.waitForConfirms();
      await connection.close();
    },
    async read(topic, count) {
      const connection = await connectAmqp(address);
      const channel = await connection.createChannel();
      const found: string[] = [];
      await new Promise<void>((resolve, reject) => {
        const take = (message: { content: Buffer } | null): void => {
          if (message) found.push(message.content.toString());
          if (found.length === count) resolve();
        };
        channel.prefetch(count).then(() => channel.consume(topic, take), reject);
      });
      await connection.close();
      return found;
    },
  }),

  kafka: (address) => {
    const client = new Kafka({ brokers: address.split(","), logLevel: logLevel.NOTHING });
    return {
      async declare(topic) {
        const admin = client.admin();
        await admin.connect();
        await createTopics(admin, [{ topic, numPartitions: 1 }]);
        await admin.disconnect();
      },
      async publish(topic, texts) {
        const producer = client.producer();
        await producer.connect();
        await producer.send({ topic, acks: -1, messages: texts.map((value) => ({ value })) });
        await producer.disconnect();
      },
      async read(topic, count) {
        const consumer = client.consumer({ groupId: `${topic}-readers` });
        const found: string[] = [];
        await consumer.connect();
        await consumer.subscribe({ topic, fromBeginning: true });
        await new Promise<void>((resolve, reject) => {
          consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
          const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
            found.push(String(message.value));
            if (found.length === count) resolve();
          };
          consumer.run({ eachMessage }).catch(reject);
        });
        await consumer.disconnect();
        return found;
      },
    };
  },

  redis: (address) => {
    const connected = async () => {
      const client = createClient({ url: address, socket: { reconnectStrategy: false } });
      client.on("error", () => {});
      await client.connect();
      return client;
    };
    return {
      async declare(topic) {
        const client = await connected();
        await client.xGroupCreate(topic, "readers", "0", { MKSTREAM: true });
        client.destroy();
      },
      async publish(topic, texts) {
        const client = await connected();
        await Promise.all(texts.map((text) => client.xAdd(topic, "*", { text })));
        client.destroy();
      },
      async read(topic, count) {
        const client = await connected();
        const entries = await client.xRange(topic, "-", "+", { COUNT: count });
        client.destroy();
        return (entries ?? []).map(({ message }) => String(message["text"]));
      },
    };
  },
};
