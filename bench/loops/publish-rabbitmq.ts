import { randomUUID } from "node:crypto";
import { connect } from "amqplib";
import { AmqpBroker } from "tidelane/amqp";
import type { BurstLoop, LoopContext } from "../method/contract.ts";
import { publishLoop } from "./publish.ts";

/** Of both: stored by the server, and sent back where there is no queue. */
const promises = { persistent: true, mandatory: true };

/** amqplib: a confirm channel and `waitForConfirms()`. Parameter: type, of the queue. */
export async function raw({ address, parameters }: LoopContext): Promise<BurstLoop> {
  const queue = await openQueue(address, parameters["type"]);
  const connection = await connect(address);
  const channel = await connection.createConfirmChannel();
  return publishLoop({
    publishAll(payloads) {
      for (const payload of payloads) channel.sendToQueue(queue.name, payload, promises);
      return channel.waitForConfirms();
    },
    async close() {
      await connection.close();
      await queue.remove();
    },
  });
}

/** The same with an answer for each message: the callback that `sendToQueue()` of a confirm channel takes. */
export async function rawEach({ address, parameters }: LoopContext): Promise<BurstLoop> {
  const queue = await openQueue(address, parameters["type"]);
  const connection = await connect(address);
  const channel = await connection.createConfirmChannel();
  const publish = (payload: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.sendToQueue(queue.name, payload, promises, (error) => (error ? reject(error) : resolve()));
    });
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map(publish)),
    async close() {
      await connection.close();
      await queue.remove();
    },
  });
}

export async function app({ address, parameters }: LoopContext): Promise<BurstLoop> {
  const queue = await openQueue(address, parameters["type"]);
  const connection = await new AmqpBroker({ url: address }).connect();
  const publisher = connection.publisher(promises);
  const topic = queue.name;
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map((payload) => publisher.publish({ topic, payload }))),
    async close() {
      await connection.close();
      await queue.remove();
    },
  });
}

/** A queue that keeps a little. */
async function openQueue(address: string, type: unknown): Promise<{ name: string; remove(): Promise<void> }> {
  const connection = await connect(address);
  const channel = await connection.createChannel();
  const name = `bench-${randomUUID()}`;
  await channel.assertQueue(name, { durable: true, maxLength: 10_000, arguments: { "x-queue-type": type } });
  return {
    name,
    async remove() {
      await channel.deleteQueue(name);
      await connection.close();
    },
  };
}
