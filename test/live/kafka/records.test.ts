import { Kafka, logLevel } from "kafkajs";
import { headerNames } from "tidelane";
import { tombstone } from "tidelane/kafka";
import { expect, it, onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { connect, quick, take, takeOne, texts, topicOf } from "./stage.ts";

const { sessionTimeoutMs: _, ...options } = quick;

function raw(server: Server): Kafka {
  return new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING });
}

await describeLive("kafka", "records of Kafka", (server) => {
  it("carries keys, null keys, headers of bytes and of several values, a time and a partition", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 2);
    const orders = await connection.subscribe(topic, options);
    const publisher = connection.publisher();
    await publisher.publish({
      topic,
      key: "ann",
      payload: Uint8Array.of(0, 255),
      partition: 1,
      timestampMs: 1_700_000_000_000,
      headers: [
        ["x-a", "1"],
        ["x-bytes", Uint8Array.of(255, 0)],
        ["x-a", "2"],
        ["content-type", "application/json"],
      ],
    });
    const message = await takeOne(orders);
    expect(message).toMatchObject({ topic, partition: 1, partitionKey: "ann", deliveryCount: 1 });
    expect(message.position).toEqual({ topic, partition: 1, offset: 0 });
    expect(message.timestampMs).toBe(1_700_000_000_000);
    expect([...message.payload]).toEqual([0, 255]);
    expect(message.headers.getAll("X-A")).toEqual(["1", "2"]);
    expect([...(message.headers.getBytes("x-bytes") ?? [])]).toEqual([255, 0]);
    expect(message.headers.get(headerNames.contentType)).toBe("application/json");
    await message.ack();
    await publisher.publish({ topic, payload: "keyless" });
    expect((await takeOne(orders)).partitionKey).toBeUndefined();
  });

  it("puts a key where other clients put it", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 7);
    const keys = Array.from({ length: 40 }, (_one, index) => `key-${index}`);
    const orders = await connection.subscribe(topic, options);
    for (const key of keys) await connection.publisher().publish({ topic, key, payload: "" });
    const producer = raw(server).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: "" })) });
    const partitions = new Map<string, Set<number>>();
    for (const { partitionKey = "", partition } of await take(orders, 80)) {
      partitions.set(partitionKey, (partitions.get(partitionKey) ?? new Set()).add(partition));
    }
    expect(partitions.size).toBe(40);
    expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true);
  });

  it("puts a key where librdkafka puts it, with its partitioner", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 17);
    const orders = await connection.subscribe(topic, options);
    const publisher = connection.publisher({ partitioner: "crc32" });
    // From librdkafka's own test, with 17 partitions.
    const places = [
      ["23456", 0xb1b451d7 % 17],
      ["this is another string with more length to it perhaps", 0xb0150df7 % 17],
      ["hejsan", 0xd077037e % 17],
    ] as const;
    for (const [key] of places) await publisher.publish({ topic, key, payload: "" });
    const messages = await take(orders, places.length);
    expect(new Map(messages.map(({ partitionKey = "", partition }) => [partitionKey, partition]))).toEqual(
      new Map(places),
    );
  });

  it("tells a tombstone from an empty payload", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const orders = await connection.subscribe(topic, options);
    const publisher = connection.publisher();
    await publisher.publish({ topic, key: "a", payload: tombstone });
    await publisher.publish({ topic, key: "a", payload: "" });
    const messages = await take(orders, 2);
    expect(messages.map((message) => message.tombstone)).toEqual([true, false]);
    expect(messages.map(({ payload }) => payload.byteLength)).toEqual([0, 0]);
    // Handed on, each stays what it is.
    for (const { payload, partitionKey = "" } of messages) {
      await publisher.publish({ topic, key: partitionKey, payload });
    }
    const again = await take(orders, 2);
    expect(again.map((message) => message.tombstone)).toEqual([true, false]);
  });

  it("packs with gzip, and takes what others packed", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const orders = await connection.subscribe(topic, options);
    const publisher = connection.publisher({ compression: "gzip" });
    const payload = "tide ".repeat(10_000);
    await Promise.all([1, 2, 3].map(() => publisher.publish({ topic, payload })));
    const producer = raw(server).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    await producer.send({ topic, compression: 1, messages: [{ value: payload }] });
    expect(texts(await take(orders, 4)).every((text) => text === payload)).toBe(true);
  });

  it.each(["snappy", "lz4", "zstd"] as const)("names the package that has %s", async (compression) => {
    const connection = await connect(server);
    expect(() => connection.publisher({ compression })).toThrow(
      /kafkajs has no codec for it: install (kafkajs-snappy|kafkajs-lz4|@kafkajs\/zstd) and register it/,
    );
  });

  it("keeps the group's offset below what is unsettled, over what is settled, and goes on exactly there", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const group = `${topic}-group`;
    const publisher = connection.publisher();
    for (const payload of ["1", "2", "3", "4", "5"]) await publisher.publish({ topic, payload });
    const first = await connection.subscribe(topic, { ...options, group });
    const messages = await take(first, 5);
    for (const index of [4, 1, 0, 3]) await messages[index]?.ack();
    await first.close();
    const second = await connection.subscribe(topic, { ...options, group });
    // Only the third was unsettled: what is done above it stands beside the offset.
    expect((await takeOne(second)).text()).toBe("3");
    await publisher.publish({ topic, payload: "6" });
    expect((await takeOne(second)).text()).toBe("6");
  });
});
