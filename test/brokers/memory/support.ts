import {
  MemoryBroker,
  type MemoryBrokerOptions,
  type MemoryConnection,
  type MemoryMessage,
  type MemorySubscriber,
} from "tidelane";
import { VirtualClock } from "tidelane/testing";

/** A broker on a virtual clock, and a connection to it. */
export async function setUp(options: MemoryBrokerOptions = {}) {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock, ...options });
  const connection = await broker.connect();
  return { clock, broker, connection, publisher: connection.publisher() };
}

/** Publishes `texts` in order. */
export async function publish(
  connection: MemoryConnection,
  topic: string,
  ...texts: string[]
): Promise<void> {
  for (const text of texts) await connection.publisher().publish({ topic, payload: text });
}

/** Everything that can be delivered now, up to `max`. What it gives is in flight. */
export function take(subscriber: MemorySubscriber, max = Number.POSITIVE_INFINITY): MemoryMessage[] {
  const iterator = subscriber[Symbol.asyncIterator]();
  try {
    return iterator.takeReady?.(max) ?? [];
  } finally {
    void iterator.return();
  }
}

/** The next delivery, which has to be there. */
export function takeOne(subscriber: MemorySubscriber): MemoryMessage {
  const [message] = take(subscriber, 1);
  if (message === undefined) throw new Error(`nothing to take from "${subscriber.topic}"`);
  return message;
}

export function texts(messages: readonly MemoryMessage[]): string[] {
  return messages.map((message) => message.text());
}

/** What became of a promise so far: its value, its error's code, or "waiting". */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const waiting = new Promise((resolve) => setImmediate(() => resolve("waiting")));
  return Promise.race([promise.catch((error: { code?: string }) => error.code ?? error), waiting]);
}
