import { describe, expect, it } from "vitest";
import {
  DeliveryRevokedError,
  isTidelaneError,
  SubscriptionFailedError,
} from "../../../../src/traits/errors.ts";
import { Bench, heard, taken, texts } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

const refused = new FakeKafkaError("connect ECONNREFUSED 127.0.0.1:9092", {
  name: "KafkaJSConnectionError",
  retriable: true,
});

/** Until it settles; the pauses between attempts are random. */
async function timePasses<T>(bench: Bench, promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  promise.then(settle, settle);
  for (let second = 0; second < 120 && !state.settled; second += 1) await bench.clock.advance(1_000);
  expect(state.settled).toBe(true);
  return promise;
}

async function opened() {
  const bench = new Bench({ reconnect: { initialMs: 200, maxMs: 1_000 } });
  bench.cluster.publish("orders", ["a", "b"]);
  const connection = await bench.connect();
  const subscriber = await bench.settled(connection.subscribe("orders", { group: "g", from: "start" }));
  return { bench, connection, subscriber, iterator: subscriber[Symbol.asyncIterator]() };
}

describe("a consumer that crashes", () => {
  it("is replaced, after a pause; what was out is revoked and comes again", async () => {
    const events = heard("tidelane:reconnect");
    const { bench, connection, iterator } = await opened();
    const [a] = await taken(bench, iterator, 1);
    bench.kafka.consumer.crash(refused);
    await bench.flush();
    expect(connection.state).toBe("reconnecting");
    await expect(a?.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(await taken(bench, iterator)).toEqual([]);
    await bench.clock.advance(200);
    expect(connection.state).toBe("open");
    expect((await taken(bench, iterator)).map((message) => [message.text(), message.deliveryCount])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(events.map(({ state, attempt }) => [state, attempt])).toEqual([
      ["lost", 1],
      ["restored", 1],
    ]);
    expect(bench.kafka.consumers).toHaveLength(2);
  });

  it("by no outage is replaced too, and told as an error, not as a lost connection", async () => {
    const [losses, errors] = [heard("tidelane:reconnect"), heard("tidelane:error")];
    const { bench, connection, iterator } = await opened();
    await taken(bench, iterator, 1);
    const cause = new TypeError("Cannot read properties of undefined");
    bench.kafka.consumer.crash(cause);
    await bench.flush();
    expect(connection.state).toBe("open");
    expect(errors).toMatchObject([{ topic: "orders", error: cause }]);
    await bench.clock.advance(200);
    expect(texts(await taken(bench, iterator))).toEqual(["a", "b"]);
    expect(losses).toEqual([]);
  });

  it("is tried for as long as the outage lasts, less and less often", async () => {
    const events = heard("tidelane:reconnect");
    const { bench, iterator } = await opened();
    bench.cluster.outage = refused;
    bench.kafka.consumer.crash(refused);
    await bench.clock.advance(60_000);
    const lost = events.filter(({ state }) => state === "lost");
    expect(lost.length).toBeGreaterThan(10);
    expect(lost.length).toBeLessThan(120);
    bench.cluster.outage = undefined;
    await bench.clock.advance(4_000);
    expect(texts(await taken(bench, iterator))).toEqual(["a", "b"]);
  });

  it("commits nothing of an earlier one", async () => {
    const { bench, iterator } = await opened();
    await bench.clock.advance(100);
    const [a] = await taken(bench, iterator, 1);
    const group = bench.cluster.group("g");
    const before = group.commits;
    bench.kafka.consumer.crash(refused);
    await a?.ack().catch(() => undefined);
    await bench.clock.advance(5_000);
    expect(bench.committed()).toBe(0);
    expect(group.commits).toBe(before);
  });

  it("and has no more errors to come ends the subscription with its cause, once", async () => {
    const { bench, iterator } = await opened();
    const cause = new FakeKafkaError("GROUP_AUTHORIZATION_FAILED");
    await taken(bench, iterator);
    const next = iterator.next().catch((caught: unknown) => caught);
    const after = iterator.next();
    bench.kafka.consumer.crash(cause);
    const error = await bench.settled(next);
    expect(error).toBeInstanceOf(SubscriptionFailedError);
    expect(String(error)).toBe(
      'SubscriptionFailedError: The subscription of "orders" ended: the server refuses this user the group; it needs an ACL for it.',
    );
    expect((error as Error).cause).toBe(cause);
    expect((await after).done).toBe(true);
    expect((await iterator.next()).done).toBe(true);
  });

  it("for lack of a codec names the package", async () => {
    const { bench, iterator } = await opened();
    await taken(bench, iterator);
    const next = iterator.next();
    next.catch(() => undefined);
    bench.kafka.consumer.crash(
      new FakeKafkaError("Snappy compression not implemented", { name: "KafkaJSNotImplemented" }),
    );
    await expect(next).rejects.toThrow(
      "install kafkajs-snappy and register it in kafkajs's CompressionCodecs",
    );
  });

  it("over and over for a reason that is not known ends the subscription too", async () => {
    const { bench, iterator } = await opened();
    await taken(bench, iterator);
    const next = iterator.next().catch((error: unknown) => error);
    bench.cluster.outage = new TypeError("undefined is not a function");
    bench.kafka.consumer.crash(bench.cluster.outage);
    await bench.clock.advance(60_000);
    expect(String(await next)).toContain("ended: undefined is not a function.");
  });

  it("that does nothing any more is replaced", async () => {
    const { bench, iterator } = await opened();
    await taken(bench, iterator);
    const [first] = bench.kafka.consumers;
    if (first) first.wake = () => undefined;
    const events = heard("tidelane:error");
    await bench.clock.advance(200_000);
    expect(String(events[0]?.error)).toContain("kafkajs has done nothing for 90000 ms");
    expect(bench.kafka.consumers.length).toBeGreaterThan(1);
  });
});

describe("opening", () => {
  it("a topic that does not exist says which, at once", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const error = await bench.settled(
      connection.subscribe(["orders", "nowhere"], { group: "g" }).catch((caught: unknown) => caught),
    );
    expect(String(error)).toBe(
      'SubscriptionFailedError: The subscription of "orders,nowhere" ended: the topic "nowhere" does not exist on the server; create it, or set create: true.',
    );
  });

  it("creates it where the broker is told to", async () => {
    const bench = new Bench({ create: true });
    const connection = await bench.connect();
    const subscriber = await bench.settled(connection.subscribe("nowhere", { group: "g" }));
    expect(subscriber.assignment).toEqual([{ topic: "nowhere", partition: 0 }]);
  });

  it("waits for an outage to pass, for a time", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    bench.cluster.outage = refused;
    const opening = connection.subscribe("orders", { group: "g", openTimeoutMs: 30_000 });
    await bench.clock.advance(3_000);
    bench.cluster.outage = undefined;
    await timePasses(bench, opening);
    bench.cluster.outage = refused;
    const second = connection
      .subscribe("orders", { group: "other", openTimeoutMs: 5_000 })
      .catch((caught: unknown) => caught);
    expect(isTidelaneError(await timePasses(bench, second), "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
  });

  it("ends when the connection is closed meanwhile", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    bench.cluster.outage = refused;
    const opening = connection.subscribe("orders", { group: "g" }).catch((caught: unknown) => caught);
    await bench.flush();
    const down = connection.close();
    await bench.clock.advance(5_000);
    await down;
    await bench.clock.advance(5_000);
    expect(isTidelaneError(await opening, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });
});

it("a replaced consumer that comes back to life is refused", async () => {
  const { bench, iterator } = await opened();
  await taken(bench, iterator);
  const [old] = bench.kafka.consumers;
  const run = old?.config.partitionAssigners[0];
  bench.kafka.consumer.crash(refused);
  await bench.clock.advance(1_000);
  let refusal: unknown;
  const place = {
    cluster: {
      findGroupCoordinator: async () => ({}),
      addMultipleTargetTopics: async () => undefined,
      findTopicPartitionMetadata: () => [],
    },
  };
  run?.(place);
  await place.cluster.findGroupCoordinator().catch((error: unknown) => {
    refusal = error;
  });
  expect(String(refusal)).toContain("This consumer has been replaced");
});
