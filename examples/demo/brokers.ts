import { MemoryBroker, type Publisher, type Subscriber } from "tidelane";

/** What is published and read in one run. */
export interface DemoTopics {
  readonly lines: string;
  readonly deadLetters: string;
}

/** All the demo asks of a broker: topics of its own, a publisher, and subscriptions by name. */
export interface DemoConnection {
  readonly topics: DemoTopics;
  publisher(): Publisher;
  /** To one of `topics`: everything that is published there from now on. */
  subscribe(topic: string): Promise<Subscriber>;
  /** Ends what was begun for the demo, a server included. Never rejects. */
  close(): Promise<void>;
}

/** Says in a line what takes a while: that a server is being started. */
export type Announce = (line: string) => void;

/** The broker can not be had. The message is one sentence. */
export class BrokerError extends Error {}

/** A broker the demo can run on, by the name `--broker` takes. A client is loaded when its broker is chosen. */
const brokers: Readonly<Record<string, (announce: Announce) => Promise<DemoConnection>>> = {
  memory: connectToMemory,
  nats: async (announce) => (await import("./servers.ts")).connectToNats(announce),
  rabbitmq: async (announce) => (await import("./servers.ts")).connectToRabbitmq(announce),
  kafka: async (announce) => (await import("./servers.ts")).connectToKafka(announce),
};

export const brokerNames: readonly string[] = Object.keys(brokers);

/** Rejects with `BrokerError`. @param name one of `brokerNames` */
export function connectTo(name: string, announce: Announce): Promise<DemoConnection> {
  const connect = brokers[name];
  if (connect === undefined) throw new Error(`There is no broker "${name}".`);
  return connect(announce);
}

export async function connectToMemory(): Promise<DemoConnection> {
  const connection = await new MemoryBroker().connect();
  return {
    topics: { lines: "dpkg.lines", deadLetters: "dpkg.dead-letters" },
    publisher: () => connection.publisher(),
    subscribe: (topic) => connection.subscribe(topic),
    close: () => connection.close(),
  };
}
