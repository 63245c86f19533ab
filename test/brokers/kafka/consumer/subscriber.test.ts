import { describe, expect, it } from "vitest";
import type { KafkaMessage } from "../../../../src/brokers/kafka/message/message.ts";
import { DeliveryRevokedError, SubscriberBusyError } from "../../../../src/traits/errors.ts";
import { Bench, taken, texts } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

async function opened(values: readonly string[] = [], options: Parameters<Bench["subscribe"]>[1] = {}) {
  const bench = new Bench();
  bench.cluster.publish("orders", values);
  const subscriber = await bench.subscribe("orders", { group: "g", from: "start", ...options });
  return { bench, subscriber, iterator: subscriber[Symbol.asyncIterator]() };
}

describe("deliveries", () => {
  it("come in the order of the log, and wait for what is published later", async () => {
    const { bench, iterator } = await opened(["a", "b"]);
    expect(texts(await taken(bench, iterator))).toEqual(["a", "b"]);
    const next = iterator.next();
    await bench.flush();
    bench.cluster.publish("orders", ["c"]);
    expect((await bench.settled(next)).value?.text()).toBe("c");
  });

  it("come from every partition in turn", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 3);
    for (const partition of [0, 1, 2]) bench.cluster.publish("wide", ["x", "y"], partition);
    const subscriber = await bench.subscribe("wide");
    const messages = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect(messages.map(({ partition }) => partition)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(subscriber.assignment).toEqual([0, 1, 2].map((partition) => ({ topic: "wide", partition })));
  });

  it("come from several topics", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("refunds");
    bench.cluster.publish("orders", ["a"]);
    bench.cluster.publish("refunds", ["b"]);
    const subscriber = await bench.subscribe(["orders", "refunds"]);
    expect(subscriber.topic).toBe("orders,refunds");
    const messages = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect(messages.map(({ topic }) => topic).sort()).toEqual(["orders", "refunds"]);
  });

  it("are no more at once than maxInFlight", async () => {
    const { bench, iterator } = await opened(["a", "b", "c"], { maxInFlight: 2 });
    const first = await taken(bench, iterator);
    expect(texts(first)).toEqual(["a", "b"]);
    expect(await taken(bench, iterator)).toEqual([]);
    await first[1]?.ack();
    expect(texts(await taken(bench, iterator))).toEqual(["c"]);
  });

  it("go to one iterator at a time", async () => {
    const { subscriber, iterator } = await opened();
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    await iterator.return();
    subscriber[Symbol.asyncIterator]();
  });

  it("come in batches, and those of a batch nobody saw come again uncounted", async () => {
    const { bench, subscriber, iterator } = await opened(["a", "b", "c"]);
    await iterator.return();
    const batches = subscriber.batches({ max: 2, maxWaitMs: 50 })[Symbol.asyncIterator]();
    expect(texts((await bench.settled(batches.next())).value)).toEqual(["a", "b"]);
    const forming = batches.next();
    await bench.flush();
    await batches.return?.();
    expect((await forming).done).toBe(true);
    const again = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect(again.map((message) => [message.text(), message.deliveryCount])).toEqual([["c", 1]]);
  });
});

describe("settling", () => {
  it("commits the watermark after the interval, and only then", async () => {
    const { bench, iterator } = await opened(["a", "b", "c"], { commitIntervalMs: 100 });
    await bench.clock.advance(100);
    const [a, b, c] = await taken(bench, iterator);
    await c?.ack();
    await a?.ack();
    await bench.clock.advance(99);
    expect(bench.committed()).toBe(0);
    await bench.clock.advance(1);
    expect(bench.committed()).toBe(1);
    await b?.nack({ requeue: false });
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(3);
  });

  it("passes over offsets that have no record", async () => {
    const bench = new Bench();
    const log = bench.cluster.log("orders");
    log.append({ value: "a" });
    log.leaveHole(10);
    log.append({ value: "b" });
    log.append({ hidden: true });
    const subscriber = await bench.subscribe();
    const messages = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect(messages.map(({ offset }) => offset)).toEqual([0, 11]);
    await messages[0]?.ack();
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(11);
    await messages[1]?.ack();
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(13);
  });

  it("goes on behind a batch of which nothing is shown", async () => {
    const bench = new Bench();
    bench.cluster.batchSize = 2;
    for (const hidden of [true, true, false]) bench.cluster.log("orders").append({ value: "a", hidden });
    const subscriber = await bench.subscribe();
    const [message] = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect(message?.offset).toBe(2);
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(2);
  });

  it("delivers what was requeued before what is new, and counts", async () => {
    const { bench, iterator } = await opened(["a", "b", "c"], { maxInFlight: 2 });
    const [a, b] = await taken(bench, iterator);
    await b?.nack();
    await a?.nack();
    const again = await taken(bench, iterator);
    expect(again.map((message) => [message.text(), message.deliveryCount])).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
    expect(a?.deliveryCount).toBe(1);
  });

  it("holds a delayed one back until it is due, lets others pass, and holds the committed offset", async () => {
    const { bench, iterator } = await opened(["a", "b"]);
    const [a, b] = await taken(bench, iterator);
    await a?.nackAfter(1_000);
    await b?.ack();
    await bench.clock.advance(999);
    expect(await taken(bench, iterator)).toEqual([]);
    expect(bench.committed()).toBe(0);
    await bench.clock.advance(1);
    const [again] = await taken(bench, iterator);
    expect(again?.text()).toBe("a");
    await again?.ack();
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(2);
  });

  it("wakes a next() that waits when a delay is over", async () => {
    const { bench, iterator } = await opened(["a"]);
    const [a] = await taken(bench, iterator);
    const next = iterator.next();
    await a?.nackAfter(50);
    await bench.clock.advance(50);
    expect((await next).value?.text()).toBe("a");
  });

  it("tries a commit again that the group refused", async () => {
    const { bench, iterator } = await opened(["a"]);
    await bench.clock.advance(100);
    const group = bench.cluster.group("g");
    const [a] = await taken(bench, iterator);
    group.refusal = new Error("not now");
    await a?.ack();
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(0);
    group.refusal = undefined;
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(1);
  });

  it("without a group commits nothing", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["a"]);
    const subscriber = await bench.subscribe("orders", { from: "start" });
    const [a] = await taken(bench, subscriber[Symbol.asyncIterator]());
    await a?.ack();
    await bench.clock.advance(1_000);
    expect(bench.kafka.consumer.group.commits).toBe(0);
  });
});

describe("a partition with an unsettled record", () => {
  const values = Array.from({ length: 10 }, (_, index) => String(index));

  it("runs no further ahead than maxUncommitted; others go on", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 2);
    bench.cluster.publish("wide", values, 0);
    bench.cluster.publish("wide", values, 1);
    const subscriber = await bench.subscribe("wide", { group: "g", from: "start", maxUncommitted: 4 });
    const iterator = subscriber[Symbol.asyncIterator]();
    const held: KafkaMessage[] = [];
    const seen = [0, 0];
    for (let round = 0; round < 10; round += 1) {
      for (const message of await taken(bench, iterator)) {
        seen[message.partition] = (seen[message.partition] ?? 0) + 1;
        if (message.partition === 0 && message.offset === 0) held.push(message);
        else await message.ack();
      }
      await bench.clock.advance(100);
    }
    expect(seen).toEqual([4, 10]);
    await held[0]?.ack();
    await bench.clock.advance(100);
    expect(texts(await taken(bench, iterator))).toEqual(["4", "5", "6", "7"]);
  });

  it("commits at once when half of that waits for it", async () => {
    const { bench, iterator } = await opened(values, { maxUncommitted: 8, commitIntervalMs: 10_000 });
    await bench.clock.advance(10_000);
    const messages = await taken(bench, iterator);
    for (const message of messages) await message.ack();
    await bench.flush();
    expect(bench.committed()).toBeGreaterThanOrEqual(4);
  });
});

describe("prefetch", () => {
  const values = Array.from({ length: 20 }, (_, index) => String(index));

  it("keeps a full partition's batch open for a while, then holds its fetching, and frees it half empty", async () => {
    const bench = new Bench();
    bench.cluster.batchSize = 5;
    bench.cluster.publish("orders", values);
    const subscriber = await bench.subscribe("orders", {
      group: "g",
      from: "start",
      prefetch: { records: 5 },
      fetch: { maxWaitMs: 500 },
    });
    await bench.flush();
    expect(bench.kafka.consumer.paused).toEqual([]);
    await bench.clock.advance(500);
    expect(bench.kafka.consumer.paused).toEqual(["orders/0"]);
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(iterator.takeReady?.(2)).toHaveLength(2);
    expect(bench.kafka.consumer.paused).toEqual(["orders/0"]);
    expect(iterator.takeReady?.(1)).toHaveLength(1);
    expect(bench.kafka.consumer.paused).toEqual([]);
    expect(texts(await taken(bench, iterator, 100))).toHaveLength(7);
  });

  it("goes by bytes too", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["x".repeat(600)]);
    await bench.subscribe("orders", { group: "g", from: "start", prefetch: { bytes: 600 } });
    await bench.clock.advance(500);
    expect(bench.kafka.consumer.paused).toEqual(["orders/0"]);
  });
});

describe("pause()", () => {
  it("hands out what was fetched and takes in no more until resume()", async () => {
    const { bench, subscriber, iterator } = await opened(["a"]);
    await bench.flush();
    subscriber.pause();
    expect(subscriber.paused).toBe(true);
    bench.cluster.publish("orders", ["b"]);
    expect(texts(await taken(bench, iterator))).toEqual(["a"]);
    expect(bench.kafka.consumer.paused).toEqual(["orders/0"]);
    await bench.clock.advance(10_000);
    expect(await taken(bench, iterator)).toEqual([]);
    subscriber.resume();
    expect(texts(await taken(bench, iterator))).toEqual(["b"]);
  });
});

describe("close()", () => {
  it("revokes what is out, commits what was settled, and leaves the group", async () => {
    const { bench, subscriber, iterator } = await opened(["a", "b"]);
    const [a, b] = await taken(bench, iterator);
    await a?.ack();
    const waiting = iterator.next();
    await bench.settled(subscriber.close());
    expect((await waiting).done).toBe(true);
    await expect(b?.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(b?.signal.aborted).toBe(true);
    expect(bench.committed()).toBe(1);
    expect(bench.cluster.group("g").members.size).toBe(0);
    expect((await iterator.next()).done).toBe(true);
    await subscriber.close();
  });

  it("has what was settled above an unsettled record remembered: it does not come again", async () => {
    const { bench, subscriber, iterator } = await opened(["a", "b", "c", "d"]);
    const [, b, , d] = await taken(bench, iterator);
    await d?.ack();
    await b?.nack({ requeue: false });
    await bench.settled(subscriber.close());
    expect(bench.committed()).toBe(0);
    const next = await bench.subscribe();
    const again = await taken(bench, next[Symbol.asyncIterator]());
    expect(texts(again)).toEqual(["a", "c"]);
    for (const message of again) await message.ack();
    await bench.clock.advance(100);
    expect(bench.committed()).toBe(4);
    expect(bench.cluster.group("g").metadata.get("orders/0")).toBeNull();
  });

  it("does without that where the server takes no metadata", async () => {
    const { bench, subscriber, iterator } = await opened(["a", "b"]);
    const consumer = bench.kafka.consumer;
    const commit = consumer.commitOffsets.bind(consumer);
    consumer.commitOffsets = async (offsets) => {
      if (offsets.some(({ metadata }) => metadata !== null))
        throw new FakeKafkaError("OFFSET_METADATA_TOO_LARGE");
      await commit(offsets);
    };
    const [, b] = await taken(bench, iterator);
    await b?.ack();
    await bench.settled(subscriber.close());
    expect(bench.committed()).toBe(0);
    const next = await bench.subscribe();
    expect(texts(await taken(bench, next[Symbol.asyncIterator]()))).toEqual(["a", "b"]);
  });

  it("gives what was unsettled to the next of the group", async () => {
    const { bench, subscriber, iterator } = await opened(["a", "b"]);
    const [a] = await taken(bench, iterator);
    await a?.ack();
    await bench.settled(subscriber.close());
    const next = await bench.subscribe();
    expect(texts(await taken(bench, next[Symbol.asyncIterator]()))).toEqual(["b"]);
  });

  it("ends in time when the server does not answer", async () => {
    const { bench, subscriber, iterator } = await opened(["a"]);
    const [a] = await taken(bench, iterator);
    await a?.ack();
    bench.kafka.consumer.disconnect = () => new Promise(() => undefined);
    const closing = subscriber.close();
    await bench.clock.advance(5_000);
    await closing;
  });
});
