import { channel } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import {
  AmqpBroker,
  type AmqpBrokerOptions,
  type AmqpConnection,
  type AmqpMessage,
  type AmqpQueueOptions,
  type AmqpSubscriber,
  amqpQueue,
} from "../../../src/brokers/amqp/index.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import { retryCountIn } from "../../../src/traits/headers.ts";
import type { DiagnosticEvents, DiagnosticName } from "../../../src/traits/index.ts";
import { FakeRabbit } from "./fake/fake-rabbit.ts";

/** A broker over the fake, on a virtual clock, and a connection to it. */
export async function setUp(options: AmqpBrokerOptions = {}) {
  const { clock, rabbit, broker } = fake(options);
  const connection = await broker.connect();
  return { clock, rabbit, broker, connection, publisher: connection.publisher() };
}

/** The same, not connected. */
export function fake(options: AmqpBrokerOptions = {}) {
  const clock = new VirtualClock();
  const rabbit = new FakeRabbit(clock);
  return { clock, rabbit, broker: new AmqpBroker({ clock, client: rabbit, ...options }) };
}

/** A subscriber of a queue that is declared. */
export function open(
  connection: AmqpConnection,
  queue: string,
  options: AmqpQueueOptions = {},
): Promise<AmqpSubscriber> {
  return connection.subscribe(amqpQueue(queue, { create: true, ...options }));
}

export async function publish(connection: AmqpConnection, topic: string, ...texts: string[]): Promise<void> {
  const publisher = connection.publisher();
  await Promise.all(texts.map((payload) => publisher.publish({ topic, payload })));
}

/** Everything that has come, up to `max`. */
export async function take(
  subscriber: AmqpSubscriber,
  clock: VirtualClock,
  max = Number.POSITIVE_INFINITY,
): Promise<AmqpMessage[]> {
  await clock.flush();
  const iterator = subscriber[Symbol.asyncIterator]();
  try {
    return iterator.takeReady?.(max) ?? [];
  } finally {
    await iterator.return();
  }
}

export async function takeOne(subscriber: AmqpSubscriber, clock: VirtualClock): Promise<AmqpMessage> {
  const [message] = await take(subscriber, clock, 1);
  if (message === undefined) throw new Error(`nothing has come from "${subscriber.topic}"`);
  return message;
}

/** The attempt as a pipeline counts it. */
export function attemptOf(message: AmqpMessage): number {
  return retryCountIn(message.headers, message.topic) + (message.deliveryCount ?? 1);
}

export function texts(messages: readonly AmqpMessage[]): string[] {
  return messages.map((message) => message.text());
}

/** What became of a promise so far: its value, its error, or "waiting". */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const waiting = new Promise((resolve) => setImmediate(() => resolve("waiting")));
  return Promise.race([promise.catch((error: unknown) => error), waiting]);
}

/** The events of a channel, as long as the test runs. */
export function events<Name extends DiagnosticName>(name: Name): DiagnosticEvents[Name][] {
  const seen: DiagnosticEvents[Name][] = [];
  const listener = (event: unknown): void => void seen.push(event as DiagnosticEvents[Name]);
  channel(name).subscribe(listener);
  onTestFinished(() => void channel(name).unsubscribe(listener));
  return seen;
}
