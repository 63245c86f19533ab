import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

const names = [
  "x-tidelane-dead-letter-reason",
  "x-tidelane-dead-letter-source",
  "x-tidelane-dead-letter-attempts",
];

async function open(maxDeliveries?: number) {
  const tools = await setUp();
  const dead = await tools.connection.subscribe("dead", { group: "g" });
  const deadLetter = { topic: "dead", ...(maxDeliveries === undefined ? {} : { maxDeliveries }) };
  const options = { group: "g", deadLetter, ackDeadlineMs: 100 };
  const subscriber = await tools.connection.subscribe("orders", options);
  return { ...tools, dead, subscriber };
}

describe("a dead letter topic", () => {
  it("gets what is dropped: bytes, headers and key as they were, with reason, source and attempts", async () => {
    const { publisher, dead, subscriber } = await open();
    const payload = Uint8Array.from([1, 255]);
    await publisher.publish({ topic: "orders", payload, key: "k", headers: { "X-Note": "kept" } });
    await takeOne(subscriber).nack();
    await takeOne(subscriber).nack({ requeue: false });
    const letter = takeOne(dead);
    expect([letter.topic, letter.payload, letter.partitionKey]).toEqual(["dead", payload, "k"]);
    expect(names.map((name) => letter.headers.get(name))).toEqual(["dropped", "orders", "2"]);
    expect([...letter.headers].slice(0, 2)).toEqual([
      ["X-Note", "kept"],
      ["partition-key", "k"],
    ]);
    expect(take(subscriber)).toEqual([]);
  });

  it.each([
    ["nack", async ({ subscriber }) => takeOne(subscriber).nack()],
    ["nackAfter", async ({ subscriber }) => takeOne(subscriber).nackAfter(10)],
    [
      "a passed deadline",
      async ({ clock, subscriber }) => {
        takeOne(subscriber);
        await clock.advance(100);
      },
    ],
  ] as [string, (tools: Awaited<ReturnType<typeof open>>) => Promise<void>][])(
    "gets what would be delivered more than maxDeliveries times: %s",
    async (_name, giveBack) => {
      const tools = await open(2);
      await publish(tools.connection, "orders", "a");
      await takeOne(tools.subscriber).nack();
      await giveBack(tools);
      await tools.clock.advance(1000);
      expect(take(tools.subscriber)).toEqual([]);
      const letter = takeOne(tools.dead);
      expect(letter.text()).toBe("a");
      expect(names.map((name) => letter.headers.get(name))).toEqual(["max-deliveries", "orders", "2"]);
    },
  );

  it("gets it when the subscriber closes with the last delivery in hand", async () => {
    const { connection, dead, subscriber } = await open(1);
    await publish(connection, "orders", "a", "b");
    takeOne(subscriber);
    await subscriber.close();
    expect(texts(take(dead))).toEqual(["a"]);
    expect(texts(take(await connection.subscribe("orders", { group: "g" })))).toEqual(["b"]);
  });

  it("makes room for a waiting publish, which does not pass what goes back beside it", async () => {
    const { connection, publisher } = await setUp({ topics: { orders: { capacity: { messages: 2 } } } });
    const options = { group: "g", deadLetter: { topic: "dead", maxDeliveries: 2 } };
    const one = await connection.subscribe("orders", options);
    const other = await connection.subscribe("orders", options);
    await publish(connection, "orders", "a", "b");
    await takeOne(one).nack();
    take(one);
    const next = other[Symbol.asyncIterator]().next();
    const waiting = publisher.publish({ topic: "orders", payload: "c" });
    await one.close();
    await waiting;
    expect((await next).value?.text()).toBe("b");
    expect(texts(take(await connection.subscribe("dead", { from: "start" })))).toEqual(["a"]);
  });

  it("counts on from what its message was handled before: attempts go on where it is read", async () => {
    const { publisher, dead, subscriber } = await open(5);
    const headers = { "x-ruststream-retry-count": "2" };
    await publisher.publish({ topic: "orders", payload: "a" });
    await publisher.publish({ topic: "orders", payload: "b", headers });
    for (let left = 5; left > 0; left -= 1) for (const message of take(subscriber)) await message.nack();
    const letters = take(dead);
    expect(letters.map((letter) => letter.headers.get("x-ruststream-retry-count"))).toEqual(["5", "7"]);
    expect(letters.map((letter) => letter.headers.get("x-tidelane-dead-letter-attempts"))).toEqual([
      "5",
      "5",
    ]);
    expect(letters.map((letter) => letter.headers.get("x-tidelane-retry-topic"))).toEqual([
      "orders",
      "orders",
    ]);
    expect(letters.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1]);
  });

  it("is not used for what is acked", async () => {
    const { connection, dead, subscriber } = await open(1);
    await publish(connection, "orders", "a");
    await takeOne(subscriber).ack();
    expect(take(dead)).toEqual([]);
  });

  it("takes no more than the topic's name from an earlier dead letter: its headers are replaced", async () => {
    const { connection, dead } = await open();
    const last = await connection.subscribe("last");
    const again = await connection.subscribe("dead", { group: "h", deadLetter: { topic: "last" } });
    await publish(connection, "dead", "a");
    await takeOne(again).nack({ requeue: false });
    const letter = takeOne(last);
    expect(letter.headers.getAll("x-tidelane-dead-letter-source")).toEqual(["dead"]);
    expect(texts(take(dead))).toEqual(["a"]);
  });

  it("keeps dead letters that come before anyone subscribes to it", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { deadLetter: { topic: "dead" } });
    await publish(connection, "orders", "a");
    await takeOne(subscriber).nack({ requeue: false });
    const reader = await connection.subscribe("dead", { from: "start" });
    expect(texts(take(reader))).toEqual(["a"]);
  });

  it("takes a dead letter even when it is full; ordinary publishes wait", async () => {
    const { connection, publisher } = await setUp({ topics: { dead: { capacity: { messages: 1 } } } });
    const dead = await connection.subscribe("dead");
    const subscriber = await connection.subscribe("orders", { deadLetter: { topic: "dead" } });
    await publish(connection, "orders", "a", "b");
    for (const message of take(subscriber)) await message.nack({ requeue: false });
    const waiting = publisher.publish({ topic: "dead", payload: "c" });
    expect(await stateOf(waiting)).toBe("waiting");
    const letters = take(dead);
    expect(texts(letters)).toEqual(["a", "b"]);
    for (const letter of letters) await letter.ack();
    await waiting;
  });

  it("cannot be matched by the pattern it serves", async () => {
    const { connection } = await setUp();
    const attempt = connection.subscribePattern("orders.>", { deadLetter: { topic: "orders.dead" } });
    await expect(attempt).rejects.toThrow(/options.deadLetter.topic must be a topic that this subscription does not read/);
  });
});
