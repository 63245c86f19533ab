import type { Message, Subscriber } from "tidelane";
import { JetStreamBroker, type JetStreamConnection, type JetStreamOptions } from "tidelane/nats";
import { onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { type ClientName, clients } from "./fixture.ts";

export { pause, until } from "../waiting.ts";

export const clientNames = Object.keys(clients) as ClientName[];

let count = 0;

/** A name no other test, and no other run, has used. */
export function fresh(name: string): string {
  count += 1;
  return `${name}-${process.pid}-${Date.now()}-${count}`;
}

/** A connection that is closed with the test. */
export async function connect(
  server: Pick<Server, "address">,
  client: ClientName,
  options: JetStreamOptions = {},
): Promise<JetStreamConnection> {
  const broker = new JetStreamBroker({ servers: server.address, client: clients[client], ...options });
  const connection = await broker.connect();
  onTestFinished(() => connection.close());
  return connection;
}

/** A stream of the test's own, with the subjects below its name. */
export async function stream(connection: JetStreamConnection): Promise<string> {
  const name = fresh("live");
  await connection.createStream(name, { subjects: [`${name}.>`] });
  return name;
}

export async function publish(
  connection: JetStreamConnection,
  topic: string,
  payloads: Iterable<string>,
): Promise<void> {
  const publisher = connection.publisher();
  await Promise.all(Array.from(payloads, (payload) => publisher.publish({ topic, payload })));
}

export function numbers(count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, index) => String(first + index));
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
    const taken: M[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** The error a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not reject");
}
