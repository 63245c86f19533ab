import { randomUUID } from "node:crypto";
import { Partitioners, type Producer } from "kafkajs";
import { KafkaBroker } from "tidelane/kafka";
import type { BurstLoop, LoopContext } from "../method/contract.ts";
import { clientOf, createTopic } from "./kafka.ts";
import { publishLoop } from "./publish.ts";

/** kafkajs, one `send()` for all, as its documentation advises. */
export function rawBatch(context: LoopContext): Promise<BurstLoop> {
  return rawLoop(context, (producer, topic, payloads) =>
    producer.send({ topic, messages: payloads.map((value) => ({ value })) }),
  );
}

/** kafkajs, a `send()` for each, as a service does in which each comes from another request. */
export function rawEach(context: LoopContext): Promise<BurstLoop> {
  return rawLoop(context, (producer, topic, payloads) =>
    Promise.all(payloads.map((value) => producer.send({ topic, messages: [{ value }] }))),
  );
}

async function rawLoop(
  { address }: LoopContext,
  sendAll: (producer: Producer, topic: string, payloads: readonly Buffer[]) => Promise<unknown>,
): Promise<BurstLoop> {
  const topic = await openTopic(address);
  const client = clientOf(address);
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return publishLoop({
    publishAll: (payloads) => sendAll(producer, topic.name, payloads),
    async close() {
      await producer.disconnect();
      await topic.remove();
    },
  });
}

/** Confirmed by all replicas and not idempotent, as kafkajs is unless told otherwise. */
export async function app({ address }: LoopContext): Promise<BurstLoop> {
  const created = await openTopic(address);
  const topic = created.name;
  const connection = await new KafkaBroker({ brokers: address }).connect();
  const publisher = connection.publisher({ idempotent: false });
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map((payload) => publisher.publish({ topic, payload }))),
    async close() {
      await connection.close();
      await created.remove();
    },
  });
}

async function openTopic(address: string): Promise<{ readonly name: string; remove(): Promise<void> }> {
  const admin = clientOf(address).admin();
  await admin.connect();
  const name = `bench-${randomUUID()}`;
  await createTopic(admin, name);
  return {
    name,
    async remove() {
      await admin.deleteTopics({ topics: [name] });
      await admin.disconnect();
    },
  };
}
