import type { Fixture } from "tidelane/conformance";
import { memoryFixture } from "../../test/conformance/memory-fixture.ts";
import { rabbitmqFixture } from "../../test/live/amqp/fixture.ts";
import { kafkaFixture, quickServer } from "../../test/live/kafka/fixture.ts";
import { jetStreamFixture, natsFixture } from "../../test/live/nats/fixture.ts";
import { redisFixture } from "../../test/live/redis/fixture.ts";
import type { ServerKind } from "../brokers/recipe.ts";
import { externalServer, sharedServer, startServer } from "../brokers/servers.ts";
import { expectLosses } from "../expected-losses.ts";

/** The brokers that can be named on the command line. */
export const fixtures: Readonly<Record<string, () => Promise<Fixture>>> = {
  memory: async () => memoryFixture as Fixture,
  nats: live("nats", (address) => natsFixture({ address }) as Fixture),
  jetstream: live("nats", (address) => jetStreamFixture({ address }) as Fixture),
  "nats-io": live(
    "nats",
    (address) => jetStreamFixture({ address, client: "@nats-io/transport-node" }) as Fixture,
  ),
  rabbitmq: live("rabbitmq", (address) => rabbitmqFixture({ address }) as Fixture),
  // The group notices a crash after the session timeout. The server's configuration sets the smallest one.
  kafka: async () => {
    const given = await externalServer("kafka");
    await given?.ready();
    const { address } = given ?? (await startServer("kafka", { config: quickServer }));
    return kafkaFixture({ address, sessionTimeoutMs: given ? 6_000 : 1_000 }) as Fixture;
  },
  redis: live("redis", (address) => redisFixture({ address }) as Fixture),
};

/** For a thread of its own. */
export async function load(name: unknown): Promise<Fixture> {
  expectLosses();
  const fixture = await fixtures[String(name)]?.();
  if (fixture === undefined) throw new Error(`There is no broker "${name}" here.`);
  return fixture;
}

/** A fixture that needs a server, started when it is not there. */
function live(kind: ServerKind, make: (address: string) => Fixture): () => Promise<Fixture> {
  return async () => make((await sharedServer(kind)).address);
}
