import * as natsIo from "@nats-io/transport-node";
import * as nats from "nats";
import type { Fixture, FixtureEnvironment, SourceOptions } from "tidelane/conformance";
import {
  type ClientConnection,
  type ClientModule,
  JetStreamBroker,
  type JetStreamConnection,
  type JetStreamSubscribeOptions,
  jetStreamPatternSource,
  jetStreamSource,
  NatsBroker,
  type NatsConnection,
  natsPatternSource,
  natsSource,
} from "tidelane/nats";

/** The two clients, by the name of their package. */
export const clients = { nats, "@nats-io/transport-node": natsIo } satisfies Record<string, ClientModule>;

export type ClientName = keyof typeof clients;

interface NatsFixtureOptions {
  readonly address: string;
  /** @default "nats" */
  readonly client?: ClientName;
  /** A server before 2.10, with what differs there. @default false */
  readonly old?: boolean;
}

const patterns = { separator: ".", one: "*", rest: ">" } as const;

/** Subjects under the laws. */
export function natsFixture({ address, client = "nats" }: NatsFixtureOptions): Fixture<NatsConnection> {
  const lines = new Lines<NatsConnection>(clients[client]);
  // A queue group is known by its name alone: the groups of two subjects have to have two.
  const options = (topic: string, { group }: SourceOptions) =>
    group === undefined ? {} : { group: nameFor(group, topic) };
  return {
    name: "nats",
    time: "real",
    broker: ({ clock }) => ({
      name: "nats",
      connect: (given) =>
        lines.open((module) => new NatsBroker({ servers: address, client: module, clock }).connect(given)),
    }),
    source: (topic, given) => natsSource(topic, options(topic, given)),
    patternSource: (pattern, given) => natsPatternSource(pattern, options(pattern, given)),
    patterns,
    kill: (connection) => lines.cut(connection),
    // One socket, written in the order of the calls.
    promises: { ordersCalls: true },
    timings: { arrivalMs: 2_000, stepMs: 100 },
  };
}

/** Streams under the laws: a history has one, with all its topics. */
export function jetStreamFixture({
  address,
  client = "nats",
  old = false,
}: NatsFixtureOptions): Fixture<JetStreamConnection> {
  const lines = new Lines<JetStreamConnection>(clients[client]);
  return {
    name: client === "nats" ? "jetstream" : "nats-io",
    time: "real",
    broker: async ({ clock, topics }) => {
      await createStream(address, topics);
      return {
        name: "jetstream",
        connect: (given) =>
          lines.open((module) =>
            new JetStreamBroker({ servers: address, client: module, clock }).connect(given),
          ),
      };
    },
    source: (topic, given) => jetStreamSource(topic, jetStreamOptions(topic, given)),
    patternSource: (pattern, given) => jetStreamPatternSource(pattern, jetStreamOptions(pattern, given)),
    patterns,
    kill: (connection) => lines.cut(connection),
    positions: { start: "start", end: "end", unavailable: 1_000_000 },
    timings: { stepMs: 75 },
    ...(old ? ofOldServers : {}),
  };
}

/** Faults of servers before 2.10, seen on 2.9.10 where something is requeued as a member of its group leaves or pauses. */
const ofOldServers: Pick<Fixture, "forgetsCounts" | "gaps"> = {
  forgetsCounts: true,
  gaps: {
    "ack-is-final": "before 2.10 it may deliver a message again that was acked",
    "delivery-count-grows": "before 2.10 it may count the deliveries of a message from 1 again",
    "single-use": "before 2.10 it may deliver the message before it again, though that was acked",
    "topic-names":
      "2.9 accepts shorter names of consumers, and garbles the ack subject of a name with a percent sign",
  },
};

function jetStreamOptions(
  topic: string,
  { group, maxInFlight, ackDeadlineMs = 3_000, retained }: SourceOptions,
): JetStreamSubscribeOptions {
  return {
    // A durable consumer has one filter: the groups of two topics have to have two names.
    ...(group === undefined ? {} : { group: nameFor(group, topic) }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ackDeadlineMs,
    from: retained ? "start" : "new",
  };
}

function nameFor(group: string, topic: string): string {
  return `${group}-${Buffer.from(topic).toString("hex")}`;
}

async function createStream(address: string, topics: FixtureEnvironment["topics"]): Promise<void> {
  const [first] = topics.keys();
  if (first === undefined) return;
  await using connection = await new JetStreamBroker({ servers: address }).connect();
  const name = first.replaceAll(".", "-");
  await connection.createStream(name, { subjects: [...topics.keys()], storage: "memory" });
}

/** Connections of a client, to be cut without a goodbye. */
class Lines<C extends object> {
  readonly #module: ClientModule;
  readonly #lines = new WeakMap<C, ClientConnection>();

  constructor(module: ClientModule) {
    this.#module = module;
  }

  async open(connect: (module: ClientModule) => Promise<C>): Promise<C> {
    let line: ClientConnection | undefined;
    const connection = await connect({
      headers: () => this.#module.headers(),
      connect: async (options) => {
        line = await this.#module.connect(options);
        return line;
      },
    });
    if (line !== undefined) this.#lines.set(connection, line);
    return connection;
  }

  async cut(connection: C): Promise<void> {
    await this.#lines.get(connection)?.close();
  }
}
