import type { Message, Subscriber } from "tidelane";
import { RedisBroker, type RedisBrokerOptions, type RedisConnection } from "tidelane/redis";
import { onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { type Argument, createClient } from "./fixture.ts";

export { fresh, pause, until } from "../waiting.ts";

/** A connection that is closed with the test. */
export async function connect(
  server: Pick<Server, "address">,
  options: RedisBrokerOptions = {},
): Promise<RedisConnection> {
  const broker = new RedisBroker({
    url: server.address,
    reconnect: { initialMs: 20, maxMs: 100 },
    ...options,
  });
  const connection = await broker.connect();
  onTestFinished(() => connection.close());
  return connection;
}

/** One command by the client alone, with nothing of ours between the test and the server. */
export async function command(server: Pick<Server, "address">, ...args: Argument[]): Promise<unknown> {
  const client = createClient({
    url: server.address,
    RESP: 2,
    disableOfflineQueue: true,
    socket: { connectTimeout: 5_000, reconnectStrategy: false },
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

export async function publish(
  connection: RedisConnection,
  topic: string,
  payloads: Iterable<string>,
): Promise<void> {
  const publisher = connection.publisher();
  await Promise.all(Array.from(payloads, (payload) => publisher.publish({ topic, payload })));
}

export function numbers(count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, index) => String(first + index));
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** What it rejects with; an error of the test's own when it resolves. */
export function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("it resolved"),
    (error: Error) => error,
  );
}

/** The next messages of a loop that stays open. */
export class Loop<M extends Message> {
  readonly #iterator: AsyncIterator<M, undefined>;

  constructor(subscriber: Subscriber<M>) {
    this.#iterator = subscriber[Symbol.asyncIterator]();
  }

  async next(): Promise<M> {
    const result = await this.#iterator.next();
    if (result.done) throw new Error("the subscription is over");
    return result.value;
  }

  async take(count: number): Promise<M[]> {
    const messages: M[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }
}
