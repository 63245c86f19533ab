import { describe, expect, it } from "vitest";
import type { KafkaPosition } from "../../../../src/brokers/kafka/consumer/seek.ts";
import { DeliveryRevokedError, isTidelaneError } from "../../../../src/traits/errors.ts";
import { Bench, taken, texts } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

async function opened() {
  const bench = new Bench();
  bench.cluster.createTopic("wide", 2);
  for (const timestamp of [10, 20, 30]) {
    bench.cluster.log("wide", 0).append({ value: `a${timestamp}`, timestamp });
    bench.cluster.log("wide", 1).append({ value: `b${timestamp}`, timestamp });
  }
  const subscriber = await bench.subscribe("wide");
  return { bench, subscriber, iterator: subscriber[Symbol.asyncIterator]() };
}

describe("seek()", () => {
  it("delivers exactly the record of a message's position, then those after it", async () => {
    const { bench, subscriber, iterator } = await opened();
    const messages = await taken(bench, iterator);
    const second = messages.find((message) => message.text() === "a20");
    const other = messages.find((message) => message.text() === "b10");
    await bench.settled(subscriber.seek(second?.position as KafkaPosition));
    expect(texts(await taken(bench, iterator))).toEqual(["a20", "a30"]);
    await expect(second?.ack()).rejects.toThrow(DeliveryRevokedError);
    await other?.ack();
  });

  it("moves the committed offset along, and counts deliveries anew", async () => {
    const { bench, subscriber, iterator } = await opened();
    for (const message of await taken(bench, iterator)) await message.ack();
    await bench.clock.advance(100);
    expect(bench.committed("wide/0")).toBe(3);
    await bench.settled(subscriber.seek({ topic: "wide", partition: 0, offset: 1 }));
    await bench.clock.advance(100);
    expect(bench.committed("wide/0")).toBe(1);
    expect((await taken(bench, iterator)).map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1]);
  });

  it.each<[KafkaPosition, string[]]>([
    ["start", ["a10", "a20", "a30", "b10", "b20", "b30"]],
    ["end", []],
    [{ timeMs: 15 }, ["a20", "a30", "b20", "b30"]],
    [{ timeMs: 99 }, []],
  ])("takes %o to stand for every partition", async (position, expected) => {
    const { bench, subscriber, iterator } = await opened();
    await taken(bench, iterator, 1);
    await bench.settled(subscriber.seek(position));
    expect(texts(await taken(bench, iterator)).sort()).toEqual(expected);
    bench.cluster.publish("wide", ["later"]);
    expect(texts(await taken(bench, iterator))).toEqual(["later"]);
  });

  it("drops what waited for its delay in the partition, and leaves others alone", async () => {
    const { bench, subscriber, iterator } = await opened();
    const messages = await taken(bench, iterator);
    for (const message of messages) await message.nackAfter(1_000);
    await bench.settled(subscriber.seek({ topic: "wide", partition: 0, offset: 3 }));
    await bench.clock.advance(1_000);
    expect(texts(await taken(bench, iterator))).toEqual(["b10", "b20", "b30"]);
  });

  it.each([
    [{ topic: "wide", partition: 0, offset: 4 }, "available is 0 to 3, the next to come"],
    [
      { topic: "wide", partition: 7, offset: 0 },
      "available is what this member of the group has: wide 0, wide 1",
    ],
  ])("to %o says what there is, and moves nothing", async (position, sentence) => {
    const { bench, subscriber, iterator } = await opened();
    const [first] = await taken(bench, iterator, 1);
    const error = await bench.settled(subscriber.seek(position).catch((caught: unknown) => caught));
    expect(isTidelaneError(error, "TIDELANE_POSITION_UNAVAILABLE")).toBe(true);
    expect(String(error)).toContain(sentence);
    await first?.ack();
  });

  it.each([["middle"], [{ timeMs: -1 }], [{ offset: 1 }], [undefined]])(
    "to %o is refused",
    async (position) => {
      const { subscriber } = await opened();
      await expect(subscriber.seek(position as KafkaPosition)).rejects.toThrow('"start", "end", { timeMs }');
    },
  );

  it("goes on in the next generation where the connection is lost meanwhile", async () => {
    const { bench, subscriber, iterator } = await opened();
    await taken(bench, iterator);
    const outage = new FakeKafkaError("read ECONNRESET", { name: "KafkaJSConnectionError" });
    bench.cluster.outage = outage;
    const sought = subscriber.seek("start").catch((error: unknown) => error);
    bench.kafka.consumer.crash(outage);
    await bench.clock.advance(1_000);
    bench.cluster.outage = undefined;
    await bench.clock.advance(5_000);
    expect(await sought).toBeUndefined();
    expect(texts(await taken(bench, iterator)).sort()).toEqual(["a10", "a20", "a30", "b10", "b20", "b30"]);
  });

  it("that the server refuses to answer says so, and moves nothing", async () => {
    const { bench, subscriber, iterator } = await opened();
    const [first] = await taken(bench, iterator, 1);
    bench.cluster.outage = new FakeKafkaError("TOPIC_AUTHORIZATION_FAILED");
    const error = await bench.settled(subscriber.seek("start").catch((caught: unknown) => caught));
    bench.cluster.outage = undefined;
    expect(isTidelaneError(error, "TIDELANE_NOT_SUPPORTED")).toBe(true);
    expect(String(error)).toContain("the server refuses this user the topic");
    await first?.ack();
  });

  it("after the end rejects", async () => {
    const { bench, subscriber } = await opened();
    await bench.settled(subscriber.close());
    await expect(subscriber.seek("start")).rejects.toThrow("it is closed");
  });
});
