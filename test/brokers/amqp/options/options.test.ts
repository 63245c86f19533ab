import { describe, expect, it } from "vitest";
import { AmqpBroker, amqpExclusiveQueue, amqpQueue } from "../../../../src/brokers/amqp/index.ts";
import { open, setUp, take } from "../support.ts";

/** As a program in JavaScript gives them. */
// biome-ignore lint/suspicious/noExplicitAny: the compiler must not see what these tests are about.
type Loose = any;

const fromBroker = "new AmqpBroker(options)";
const fromQueue = 'amqpQueue("orders", options)';
const fromExclusive = 'amqpExclusiveQueue("a.*", options)';

describe("an option nobody reads is refused by name", () => {
  it.each([
    [{ uri: "amqp://x" }, "uri", "url"],
    [{ heartBeatMs: 5 }, "heartBeatMs", "heartbeatMs"],
    [{ connect: { waitMS: 5 } }, "connect.waitMS", "waitMs"],
    [{ reconnect: { initalMs: 5 } }, "reconnect.initalMs", "initialMs"],
    [{ publish: { mandatry: false } }, "publish.mandatry", "mandatory"],
    [{ topology: { exchange: [] } }, "topology.exchange", "exchanges"],
    [
      { topology: { exchanges: [{ name: "x", type: "topic", durabel: false }] } },
      "topology.exchanges[0].durabel",
      "durable",
    ],
    [{ topology: { queues: [{ name: "q", maxlenght: 5 }] } }, "topology.queues[0].maxlenght", "maxLength"],
    [
      { topology: { queues: [{ name: "q", deadLetter: { topc: "dead" } }] } },
      "topology.queues[0].deadLetter.topc",
      "topic",
    ],
    [
      { topology: { bindings: [{ exchange: "x", queue: "q", routingkey: "a" }] } },
      "topology.bindings[0].routingkey",
      "routingKey",
    ],
  ])("by the broker: %j", (options: Loose, option, nearest) => {
    expect(() => new AmqpBroker(options)).toThrow(unknown(fromBroker, option, nearest));
  });

  it("and what others name is not looked into: TLS, tables, clients, clocks", () => {
    const tls: Loose = { ca: "x", anythingElse: 1 };
    const topology = { queues: [{ name: "q", arguments: { "x-anything": 1 } }] };
    expect(() => new AmqpBroker({ tls, topology })).not.toThrow();
  });

  it.each([
    [{ declare: true }, "declare", undefined],
    [{ maxInflight: 5 }, "maxInflight", "maxInFlight"],
    [{ create: { deadletter: { topic: "dead" } } }, "create.deadletter", "deadLetter"],
    [{ create: { deadLetter: { topic: "dead", exchnage: "x" } } }, "create.deadLetter.exchnage", "exchange"],
    [{ bindings: [{ exchange: "x", routingkey: "a" }] }, "bindings[0].routingkey", "routingKey"],
    [{ exchanges: [{ name: "x", type: "topic", typ: "a" }] }, "exchanges[0].typ", "type"],
  ])("by a source: %j", async (options: Loose, option, nearest) => {
    expect(() => amqpQueue("orders", options)).toThrow(unknown(fromQueue, option, nearest));
    const { connection } = await setUp();
    await expect(connection.subscribe("orders", options)).rejects.toThrow(
      unknown('subscribe("orders", options)', option, nearest),
    );
  });

  it("by a source of an exclusive queue", async () => {
    const options: Loose = { exchange: "x", exchagnes: [] };
    expect(() => amqpExclusiveQueue("a.*", options)).toThrow(
      unknown(fromExclusive, "exchagnes", "exchanges"),
    );
    const { connection } = await setUp();
    await expect(connection.subscribeExclusive("a.*", options)).rejects.toMatchObject({
      call: 'subscribeExclusive("a.*", options)',
    });
  });

  it("by a publisher, for all messages and for one", async () => {
    const { broker, connection, publisher } = await setUp();
    const wrong: Loose = { priorty: 5 };
    expect(() => connection.publisher(wrong)).toThrow(unknown("publisher(options)", "priorty", "priority"));
    const message = { topic: "orders", payload: "a" };
    for (const [call, calling] of [
      ["publish(message, options)", () => publisher.publish(message, wrong)],
      ["request(message, options)", () => publisher.request(message, { timeoutMs: 5, ...wrong })],
      ["checkTopic(topic, options)", () => publisher.checkTopic("orders", wrong)],
      ["connect(options)", () => broker.connect(wrong)],
    ] as const) {
      await expect(calling()).rejects.toMatchObject({ code: "TIDELANE_UNKNOWN_OPTION", call });
    }
  });

  it("by batches", async () => {
    const { connection } = await setUp();
    const orders = await open(connection, "orders");
    const options: Loose = { max: 5, maxWait: 10 };
    expect(() => orders.batches(options)).toThrow(unknown("batches(options)", "maxWait", "maxWaitMs"));
  });

  it("and options beside a source, which has its own, are refused too", async () => {
    const { connection } = await setUp();
    const subscribe: Loose = connection.subscribe.bind(connection);
    await expect(subscribe(amqpQueue("orders"), { create: true })).rejects.toMatchObject({
      code: "TIDELANE_INVALID_ARGUMENT",
      argument: "subscribe(source, options)",
    });
  });
});

it.each(["yes", 1, null, []])("create is true, false or settings: %j", (create: Loose) => {
  expect(() => amqpQueue("orders", { create })).toThrow(
    expect.objectContaining({ code: "TIDELANE_INVALID_ARGUMENT", argument: "options.create" }),
  );
});

describe("keyHeader", () => {
  it("names the header a key is written to, and every name is read", async () => {
    const { clock, connection } = await setUp({ publish: { keyHeader: "nats-partition-key" } });
    const orders = await open(connection, "orders");
    const message = { topic: "orders", payload: "a", key: "ann" };
    await connection.publisher().publish(message);
    await connection.publisher({ keyHeader: "amqp-partition-key" }).publish(message);
    await connection.publisher({ keyHeader: "partition-key" }).publish(message);
    const messages = await take(orders, clock);
    expect(messages.map(({ properties }) => Object.keys(properties.headers ?? {}))).toEqual([
      ["nats-partition-key"],
      ["amqp-partition-key"],
      ["partition-key"],
    ]);
    expect(messages.map(({ partitionKey }) => partitionKey)).toEqual(["ann", "ann", "ann"]);
  });

  it("is what a key is compared with, when its header is given too", async () => {
    const { connection } = await setUp();
    await open(connection, "orders");
    const publisher = connection.publisher({ keyHeader: "amqp-partition-key" });
    const headers = { "amqp-partition-key": "bob" };
    await expect(
      publisher.publish({ topic: "orders", payload: "a", key: "ann", headers }),
    ).rejects.toMatchObject({
      code: "TIDELANE_INVALID_MESSAGE",
    });
  });

  it.each(["", "a:b", " a", "x-death", "correlation-id", "CC", "a".repeat(256)])(
    "is a name a header may have: %j",
    (keyHeader) => {
      expect(() => new AmqpBroker({ publish: { keyHeader } })).toThrow(
        expect.objectContaining({ argument: "options.publish.keyHeader" }),
      );
    },
  );
});

function unknown(call: string, option: string, nearest: string | undefined): unknown {
  return expect.objectContaining({ code: "TIDELANE_UNKNOWN_OPTION", call, option, nearest });
}
