import { RecordingMessage, ScriptedSubscriber, type VirtualClock } from "../../../src/testing/index.ts";
import type {
  Connection,
  ConnectionState,
  Subscribe,
  SubscriptionSource,
} from "../../../src/traits/broker.ts";
import type { Capabilities } from "../../../src/traits/capabilities.ts";
import type { Message } from "../../../src/traits/message.ts";
import type { Subscriber, SubscriberIterator } from "../../../src/traits/subscriber.ts";

export function message(text: string): RecordingMessage {
  return new RecordingMessage({ payload: text });
}

export function messages(prefix: string, count: number): RecordingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`${prefix}${index}`));
}

export function texts(from: readonly Message[]): string[] {
  return from.map((one) => one.text());
}

/** The same subscriber without the fast path, each answer `hops` microtasks late. */
export function plain<M extends Message>(subscriber: Subscriber<M>, hops = 0): Subscriber<M> {
  return {
    topic: subscriber.topic,
    capabilities: subscriber.capabilities,
    close: () => subscriber.close(),
    [Symbol.asyncDispose]: () => subscriber.close(),
    [Symbol.asyncIterator]: (): SubscriberIterator<M> => {
      const iterator = subscriber[Symbol.asyncIterator]();
      return {
        next: async () => {
          const result = await iterator.next();
          for (let left = hops; left > 0; left -= 1) await Promise.resolve();
          return result;
        },
        return: () => iterator.return(),
      };
    },
  };
}

/** What a promise has come to once everything runnable has run. */
export async function outcome<T>(
  clock: VirtualClock,
  promise: Promise<T>,
): Promise<{ value: T } | { error: unknown } | "waiting"> {
  let state: { value: T } | { error: unknown } | "waiting" = "waiting";
  promise.then(
    (value) => {
      state = { value };
    },
    (error: unknown) => {
      state = { error };
    },
  );
  await clock.flush();
  return state;
}

/** A connection whose subscriptions by name are scripted subscribers, made as they are asked for. */
export class ScriptedConnection implements Connection, Subscribe<ScriptedSubscriber> {
  readonly state: ConnectionState = "open";
  readonly opened = new Map<string, ScriptedSubscriber>();
  /** Topics that cannot be opened. */
  readonly refused = new Set<string>();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S>;
  subscribe(topic: string): Promise<ScriptedSubscriber>;
  async subscribe(by: string | SubscriptionSource<this>): Promise<Subscriber> {
    if (typeof by !== "string") return by.open(this);
    if (this.refused.has(by)) throw new Error(`${by} was refused`);
    const subscriber = new ScriptedSubscriber({ topic: by, clock: this.#clock });
    this.opened.set(by, subscriber);
    return subscriber;
  }

  publisher(): never {
    throw new Error("nothing is published in these tests");
  }

  async close(): Promise<void> {
    for (const subscriber of this.opened.values()) await subscriber.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function scriptedSource(
  topic: string,
  capabilities: Capabilities,
): SubscriptionSource<ScriptedConnection, ScriptedSubscriber> {
  return { topic, capabilities, open: (connection) => connection.subscribe(topic) };
}
