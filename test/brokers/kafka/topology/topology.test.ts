import { describe, expect, it } from "vitest";
import { checkCreate } from "../../../../src/brokers/kafka/options/topic.ts";
import { Bench } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const left = { numPartitions: -1, replicationFactor: -1, configEntries: [] };

it("checkCreate() tells what was said from what was not", () => {
  expect(checkCreate(undefined)).toBeUndefined();
  expect(checkCreate(false)).toBe(false);
  expect(checkCreate(true)).toEqual(left);
  expect(checkCreate({ partitions: 6, replicationFactor: 3, config: { "retention.ms": 60_000 } })).toEqual({
    numPartitions: 6,
    replicationFactor: 3,
    configEntries: [{ name: "retention.ms", value: "60000" }],
  });
});

describe("create", () => {
  it("of a source makes the topic with its settings, whatever the broker says", async () => {
    const bench = new Bench();
    const create = { partitions: 3, config: { "cleanup.policy": "compact" } };
    const subscriber = await bench.subscribe("later", { group: "g", create });
    expect(subscriber.assignment).toHaveLength(3);
    expect(bench.cluster.creations).toEqual([
      {
        topic: "later",
        numPartitions: 3,
        replicationFactor: -1,
        configEntries: [{ name: "cleanup.policy", value: "compact" }],
      },
    ]);
  });

  it("of a broker is for its subscriptions and publishers, unless they say otherwise", async () => {
    const bench = new Bench({ create: true });
    const connection = await bench.connect();
    const missing = 'the topic "later" does not exist on the server; create it, or set create: true';
    const subscribing = failure(connection.subscribe("later", { create: false }));
    expect(String(await bench.settled(subscribing))).toContain(missing);
    const strict = connection.publisher({ create: false });
    const publishing = failure(strict.publish({ topic: "later", payload: "x" }));
    expect(String(await bench.settled(publishing))).toContain(missing);
    await bench.settled(connection.publisher().publish({ topic: "later", payload: "x" }));
    expect(bench.cluster.creations).toEqual([{ topic: "later", ...left }]);
  });

  it("by two at once is no error", async () => {
    const bench = new Bench({ create: true });
    const connections = [await bench.connect(), await bench.connect()];
    await bench.settled(
      Promise.all(connections.map((one) => one.publisher().publish({ topic: "later", payload: "x" }))),
    );
    expect(bench.cluster.log("later").values()).toEqual(["x", "x"]);
  });

  it("waits until the servers have heard of the topic", async () => {
    const bench = new Bench({ create: true });
    bench.cluster.hiddenFor = 3;
    const connection = await bench.connect();
    const published = connection.publisher().publish({ topic: "later", payload: "x" });
    await bench.clock.advance(1_000);
    await published;
    expect(bench.cluster.log("later").values()).toEqual(["x"]);
  });

  it("changes no topic that exists: more partitions than asked for will do, fewer are an error", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 3);
    await bench.subscribe("wide", { create: { partitions: 2 } });
    const connection = await bench.connect();
    const reason =
      'the topic "wide" has 3 partitions and create.partitions asks for 4; tidelane changes no topic that exists: add partitions to it, or ask for fewer.';
    const subscribing = failure(connection.subscribe("wide", { create: { partitions: 4 } }));
    expect(await bench.settled(subscribing)).toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: `The subscription of "wide" ended: ${reason}`,
    });
    const publisher = connection.publisher({ create: { partitions: 4 } });
    const publishing = failure(publisher.publish({ topic: "wide", payload: "x" }));
    expect(await bench.settled(publishing)).toMatchObject({
      code: "TIDELANE_PUBLISH_FAILED",
      retryable: false,
      message: `The message for "wide" was not confirmed: ${reason}`,
    });
    expect(bench.cluster.creations).toEqual([]);
  });

  it.each([
    ["INVALID_REPLICATION_FACTOR", "the cluster has fewer servers than create.replicationFactor asks for"],
    ["INVALID_CONFIG", "the server does not accept create.config"],
    ["TOPIC_AUTHORIZATION_FAILED", "the server refuses this user the topic; it needs an ACL for it"],
  ])("that the server refuses with %s says so at once", async (type, sentence) => {
    const bench = new Bench({ create: true });
    bench.cluster.refusal = new FakeKafkaError(type);
    const connection = await bench.connect();
    const subscribing = failure(connection.subscribe("later"));
    expect(String(await bench.settled(subscribing))).toContain(sentence);
    const publishing = failure(connection.publisher().publish({ topic: "later", payload: "x" }));
    expect(await bench.settled(publishing)).toMatchObject({
      retryable: false,
      message: expect.stringContaining(sentence),
    });
  });
});
