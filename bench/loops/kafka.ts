import { randomUUID } from "node:crypto";
import { type Admin, type Consumer, Kafka, logLevel } from "kafkajs";
import { KafkaBroker } from "tidelane/kafka";
import type { LoopContext, StreamLoop, Tally } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { byAsyncPipeline, byHand, byPipeline, byWorkers, type Consume, keyedLoop } from "./consume.ts";

/** Of every topic; order holds within each. The publisher puts a message into the one of its number. */
export const partitions = 4;
const maxWaitMs = 500;

/** kafkajs, `eachMessage`, as its documentation has it. */
export function eachMessage(context: LoopContext): Promise<StreamLoop> {
  return rawLoop(context, (consumer, tally) =>
    consumer.run({
      eachMessage: async ({ message }) => {
        tally.take(read(message.value).sequence);
      },
    }),
  );
}

/** kafkajs, `eachBatch`: each message resolved, committed after the batch. */
export function eachBatch(context: LoopContext): Promise<StreamLoop> {
  return rawLoop(context, (consumer, tally) =>
    consumer.run({
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary }) => {
        for (const message of batch.messages) {
          tally.take(read(message.value).sequence);
          resolveOffset(message.offset);
        }
        await heartbeat();
        await commitOffsetsIfNecessary();
      },
    }),
  );
}

function read(value: Buffer | null): Order {
  return JSON.parse(value === null ? "" : value.toString());
}

async function rawLoop(
  { address }: LoopContext,
  run: (consumer: Consumer, tally: Tally) => Promise<void>,
): Promise<StreamLoop> {
  const client = clientOf(address);
  const admin = client.admin();
  await admin.connect();
  const topics: string[] = [];
  return {
    lanes: partitions,
    async attach(name, tally) {
      const created = await createTopic(admin, name);
      const consumer = client.consumer({ groupId: randomUUID(), maxWaitTimeInMs: maxWaitMs });
      await consumer.connect();
      await consumer.subscribe({ topic: name, fromBeginning: true });
      const joined = new Promise<void>((resolve) => {
        consumer.on(consumer.events.GROUP_JOIN, () => resolve());
      });
      await run(consumer, tally);
      await joined;
      return async () => {
        await consumer.disconnect();
        if (created) topics.push(name);
      };
    },
    close: () => removeTopics(admin, topics),
  };
}

export function adapter(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byHand);
}

export function app(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byPipeline);
}

export function appAsync(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byAsyncPipeline);
}

export function workers(context: LoopContext): Promise<StreamLoop> {
  return keyedLoop(loopOf(context, byWorkers));
}

async function loopOf({ address }: LoopContext, consume: Consume): Promise<StreamLoop> {
  const connection = await new KafkaBroker({ brokers: address }).connect();
  const admin = clientOf(address).admin();
  await admin.connect();
  const topics: string[] = [];
  return {
    lanes: partitions,
    async attach(name, tally) {
      const created = await createTopic(admin, name);
      const options = { group: randomUUID(), from: "start", fetch: { maxWaitMs } } as const;
      const end = consume(await connection.subscribe(name, options), tally);
      return async () => {
        await end();
        if (created) topics.push(name);
      };
    },
    async close() {
      await connection.close();
      await removeTopics(admin, topics);
    },
  };
}

export function clientOf(address: string): Kafka {
  return new Kafka({ clientId: "bench", brokers: address.split(","), logLevel: logLevel.NOTHING });
}

/**
 * In the end: a producer of kafkajs asks for every topic it has known, and fails when one of them is gone. Disconnects.
 */
export async function removeTopics(admin: Admin, topics: string[]): Promise<void> {
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.disconnect();
}

/** `false`: it is there already, and somebody else's. Resolves when its partitions can be read. */
export async function createTopic(admin: Admin, topic: string): Promise<boolean> {
  const created = await admin.createTopics({
    topics: [{ topic, numPartitions: partitions }],
    waitForLeaders: false,
  });
  // For a moment, the server that leads a new topic does not know it. With `waitForLeaders`, kafkajs would fail then.
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.fetchTopicOffsets(topic);
      return created;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
