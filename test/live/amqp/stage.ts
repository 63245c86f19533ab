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

export { fresh, pause, until } from "../waiting.ts";

/** A connection that is closed with the test. */
export async function connect(server: Server, options: AmqpBrokerOptions = {}): Promise<AmqpConnection> {
  const connection = await new AmqpBroker({ url: server.address, ...options }).connect();
  onTestFinished(() => connection.close());
  return connection;
}

export function open(
  connection: AmqpConnection,
  queue: string,
  options: AmqpQueueOptions = {},
): Promise<AmqpSubscriber> {
  return connection.subscribe(amqpQueue(queue, { create: true, ...options }));
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
