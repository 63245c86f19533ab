import type { Socket } from "node:net";
import { connect as connectTcp } from "node:net";
import { Kafka, logLevel } from "kafkajs";
import type { Fixture, FixtureEnvironment, SourceOptions } from "tidelane/conformance";
import {
  KafkaBroker,
  type KafkaConnection,
  type KafkaOffset,
  type KafkaSubscribeOptions,
  kafkaPatternSource,
  kafkaSource,
} from "tidelane/kafka";
import { createTopics } from "../kafka-topics.ts";

export interface KafkaFixtureOptions {
  /** "host:port" */
  readonly address: string;
  /** No less than group.min.session.timeout.ms of the server, which is 6 s where nothing else is said. */
  readonly sessionTimeoutMs: number;
  /** @default 1 */
  readonly partitions?: number;
}

/** Settings of a server of one's own with which a crash is noticed soon. */
export const quickServer: readonly string[] = ["group.min.session.timeout.ms=500"];

/** Kafka under the laws. */
export function kafkaFixture({
  address,
  sessionTimeoutMs,
  partitions = 1,
}: KafkaFixtureOptions): Fixture<KafkaConnection> {
  const lines = new WeakMap<KafkaConnection, Line>();
  // In Kafka a group spans its topics: two patterns of one group share the topics that both match.
  const options = (target: string, given: SourceOptions): KafkaSubscribeOptions => ({
    ...(given.group === undefined ? {} : { group: `${given.group} of ${target}` }),
    ...(given.maxInFlight === undefined ? {} : { maxInFlight: given.maxInFlight }),
    from: given.retained ? "start" : "new",
    sessionTimeoutMs,
    heartbeatIntervalMs: 100,
    rebalanceTimeoutMs: 3_000,
    drainMs: 200,
    commitIntervalMs: 20,
    patternRefreshMs: 200,
    fetch: { maxWaitMs: 50 },
  });
  return {
    name: "kafka",
    time: "real",
    broker: async ({ clock, topics }) => {
      await declareTopics(address, topics, partitions);
      return {
        name: "kafka",
        connect: async (given) => {
          const line = new Line();
          const broker = new KafkaBroker({
            brokers: address,
            clock,
            maxPayloadBytes: 100_000,
            closeTimeoutMs: 1_000,
            socketFactory: ({ host, port, onConnect }) => line.open(host, port, onConnect),
          });
          const connection = await broker.connect(given);
          lines.set(connection, line);
          return connection;
        },
      };
    },
    source: (topic, given) => kafkaSource(topic, options(topic, given)),
    patternSource: (pattern, given) => kafkaPatternSource(toRegExp(pattern), options(pattern, given)),
    patterns: { separator: ".", one: "*", rest: ">" },
    kill: async (connection) => {
      lines.get(connection)?.cut();
      await connection.close();
    },
    positions: { start: "start", end: "end", compare: compareOffsets },
    timings: { arrivalMs: 20_000, stepMs: 500, closeMs: 10_000 },
    rebalances: partitions > 1 || "patterns",
    promises: { requeueKeepsPlace: partitions === 1 },
    ...(partitions > 1 && {
      gaps: {
        "seek-lands":
          'a topic of several partitions has an order in each and none over all of them, so what comes first after seek("start") is the first of one of them; with one partition the law holds',
      },
    }),
  };
}

/** Offsets of two partitions say nothing of each other. */
function compareOffsets(a: unknown, b: unknown): number | undefined {
  const [first, second] = [a, b] as [KafkaOffset, KafkaOffset];
  return first.partition === second.partition ? first.offset - second.offset : undefined;
}

/** The sockets of one connection. */
class Line {
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  open(host: string, port: number, onConnect: () => void): Socket {
    if (this.#isCut) throw new Error("the line is cut");
    const socket = connectTcp({ host, port }, onConnect);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }

  /** Without a goodbye, and for good. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy(new Error("the line is cut"));
  }
}

async function declareTopics(
  address: string,
  topics: FixtureEnvironment["topics"],
  numPartitions: number,
): Promise<void> {
  if (topics.size === 0) return;
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const wanted = Array.from(topics.keys(), (topic) => ({ topic, numPartitions }));
  await createTopics(admin, wanted);
  await admin.disconnect();
}

function toRegExp(pattern: string): RegExp {
  const tokens = pattern.split(".").map((token) => {
    if (token === "*") return "[^.]+";
    return token === ">" ? ".+" : token.replace(/[^\w]/g, "\\$&");
  });
  return new RegExp(`^${tokens.join("\\.")}$`);
}
