import * as redis from "redis";
import type { Fixture, SourceOptions } from "tidelane/conformance";
import {
  type ClientOptions,
  RedisBroker,
  type RedisClient,
  type RedisConnection,
  type RedisStreamOptions,
  redisSource,
} from "tidelane/redis";

export type Argument = string | Buffer;

export interface RedisFixtureOptions {
  readonly address: string;
}

/** A client of the package, by the types that tidelane goes by. */
export function createClient(options: ClientOptions): RedisClient {
  return redis.createClient(options as never) as unknown as RedisClient;
}

/** Streams under the laws: a topic is a stream. A connection that is killed stays away. */
export function redisFixture({ address }: RedisFixtureOptions): Fixture<RedisConnection> {
  const lines = new WeakMap<RedisConnection, Set<RedisClient>>();
  return {
    name: "redis",
    time: "real",
    broker: ({ clock }) => ({
      name: "redis",
      connect: async (given) => {
        const clients = new Set<RedisClient>();
        const broker = new RedisBroker({
          url: address,
          clock,
          client: {
            createClient: (options: ClientOptions) => {
              const client = createClient(options);
              clients.add(client);
              return client;
            },
          },
          maxPayloadBytes: 100_000,
          reconnect: false,
        });
        const connection = await broker.connect(given);
        lines.set(connection, clients);
        return connection;
      },
    }),
    source: (topic, given) => redisSource(topic, streamOptions(given)),
    kill: async (connection) => {
      for (const client of lines.get(connection) ?? []) if (isOpen(client)) client.destroy();
      while (connection.state !== "closed") await new Promise((resolve) => setImmediate(resolve));
    },
    positions: { start: "start", end: "end", unavailable: "9999999999999-0", compare: compareIds },
    timings: { arrivalMs: 5_000, stepMs: 80, closeMs: 10_000 },
  };
}

function streamOptions({
  group,
  maxInFlight,
  ackDeadlineMs = 2_000,
  retained,
  deadLetter,
}: SourceOptions): RedisStreamOptions {
  return {
    ...(group !== undefined && { group }),
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(deadLetter !== undefined && { deadLetter }),
    ackDeadlineMs,
    recoverEveryMs: 100,
    from: retained ? "start" : "new",
  };
}

function isOpen(client: RedisClient): boolean {
  return (client as unknown as { readonly isOpen: boolean }).isOpen;
}

function compareIds(a: unknown, b: unknown): number {
  const [aTime = 0, aNumber = 0] = String(a).split("-").map(Number);
  const [bTime = 0, bNumber = 0] = String(b).split("-").map(Number);
  return aTime - bTime || aNumber - bNumber;
}
