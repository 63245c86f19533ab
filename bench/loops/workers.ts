// Keyed work by hand: a p-queue for each key under one of eight, and the ack after the work. What bounds the messages in
// flight is the prefetch, and on NATS core a count.
import { randomUUID } from "node:crypto";
import { connect as connectAmqp } from "amqplib";
import { AckPolicy, connect as connectNats } from "nats";
import { headerNames } from "tidelane";
import type { LoopContext, StreamLoop } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { keyedWork, slowly } from "./consume.ts";
import { clientOf, createTopic, removeTopics } from "./kafka.ts";
import { pQueues } from "./lanes.ts";

const { workers, keys, maxInFlight } = keyedWork;
const keyHeader = headerNames.partitionKey;

export async function nats({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectNats({ servers: address });
  return {
    lanes: keys,
    async attach(name, tally) {
      const schedule = pQueues(workers);
      const subscription = connection.subscribe(name);
      await connection.flush();
      let inFlight = 0;
      let relieve = (): void => {};
      const consuming = (async () => {
        for await (const message of subscription) {
          inFlight += 1;
          void schedule(message.headers?.get(keyHeader) ?? "", async () => {
            await slowly(message.json<Order>(), tally);
            inFlight -= 1;
            relieve();
          });
          while (inFlight >= maxInFlight) {
            await new Promise<void>((resolve) => {
              relieve = resolve;
            });
          }
        }
      })();
      return async () => {
        subscription.unsubscribe();
        await consuming;
      };
    },
    close: () => connection.close(),
  };
}

export async function jetStream({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectNats({ servers: address });
  const manager = await connection.jetstreamManager();
  return {
    lanes: keys,
    async attach(name, tally) {
      const schedule = pQueues(workers);
      await manager.streams.add({ name, subjects: [name] });
      const durable_name = `${name}-group`;
      const limits = { ack_policy: AckPolicy.Explicit, max_ack_pending: maxInFlight };
      await manager.consumers.add(name, { durable_name, ...limits });
      const consumer = await connection.jetstream().consumers.get(name, durable_name);
      const messages = await consumer.consume({ max_messages: maxInFlight });
      const consuming = (async () => {
        for await (const message of messages) {
          void schedule(message.headers?.get(keyHeader) ?? "", async () => {
            await slowly(message.json<Order>(), tally);
            message.ack();
          });
        }
      })();
      return async () => {
        await messages.close();
        await consuming;
        await manager.streams.delete(name);
      };
    },
    close: () => connection.close(),
  };
}

export async function rabbitMq({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectAmqp(address);
  return {
    lanes: keys,
    async attach(name, tally) {
      const schedule = pQueues(workers);
      const channel = await connection.createChannel();
      await channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": "quorum" } });
      await channel.prefetch(maxInFlight);
      await channel.consume(name, (message) => {
        if (message === null) return;
        void schedule(String(message.properties.headers?.[keyHeader]), async () => {
          await slowly(JSON.parse(message.content.toString()), tally);
          channel.ack(message);
        });
      });
      return async () => {
        await channel.deleteQueue(name);
        await channel.close();
      };
    },
    close: () => connection.close(),
  };
}

/** A batch at a time of each partition; its offsets are resolved when all of it is done. */
export async function kafka({ address }: LoopContext): Promise<StreamLoop> {
  const client = clientOf(address);
  const admin = client.admin();
  await admin.connect();
  const topics: string[] = [];
  return {
    lanes: keys,
    async attach(name, tally) {
      const schedule = pQueues(workers);
      const created = await createTopic(admin, name);
      const consumer = client.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 500 });
      await consumer.connect();
      await consumer.subscribe({ topic: name, fromBeginning: true });
      const joined = new Promise<void>((resolve) => {
        consumer.on(consumer.events.GROUP_JOIN, () => resolve());
      });
      await consumer.run({
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch, heartbeat }) => {
          const works = batch.messages.map(({ key, value }) =>
            schedule(String(key), async () => {
              await slowly(JSON.parse(String(value)), tally);
              await heartbeat();
            }),
          );
          await Promise.all(works);
        },
      });
      await joined;
      return async () => {
        await consumer.disconnect();
        if (created) topics.push(name);
      };
    },
    close: () => removeTopics(admin, topics),
  };
}
