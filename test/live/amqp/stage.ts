import {
  AmqpBroker,
  type AmqpBrokerOptions,
  type AmqpConnection,
  type AmqpMessage,
  type AmqpQueueOptions,
  type AmqpSubscriber,
  amqpQueue,
} from "tidelane/amqp";
import { onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";

let count = 0;

/** A name no other test, and no other run, has used. */
export function fresh(name: string): string {
  count += 1;
  return `${name}-${process.pid}-${Date.now()}-${count}`;
}

/** A connection that is shut down with the test. */
export async function connect(server: Server, options: AmqpBrokerOptions = {}): Promise<AmqpConnection> {
  const connection = await new AmqpBroker({ url: server.address, ...options }).connect();
  onTestFinished(() => connection.shutdown());
  return connection;
}

export function open(
  connection: AmqpConnection,
  queue: string,
  options: AmqpQueueOptions = {},
): Promise<AmqpSubscriber> {
  return connection.subscribe(amqpQueue(queue, { declare: true, ...options }));
}

/** The next `count` deliveries, unsettled. */
export async function take(subscriber: AmqpSubscriber, count: number): Promise<AmqpMessage[]> {
  const messages: AmqpMessage[] = [];
  for await (const message of subscriber) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

export async function takeOne(subscriber: AmqpSubscriber): Promise<AmqpMessage> {
  const [message] = await take(subscriber, 1);
  if (message === undefined) throw new Error(`the subscription of ${subscriber.topic} ended`);
  return message;
}

export function texts(messages: readonly AmqpMessage[]): string[] {
  return messages.map((message) => message.text());
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves once `condition` holds; rejects with `what` when it does not in time. */
export async function until(what: string, condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen in ${timeoutMs} ms`);
    await pause(20);
  }
}
