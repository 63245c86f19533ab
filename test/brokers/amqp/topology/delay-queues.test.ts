import { describe, expect, it } from "vitest";
import { headerNames, retryCountIn } from "../../../../src/traits/headers.ts";
import { attemptOf, events, open, publish, setUp, take, takeOne, texts } from "../support.ts";

const delaysMs = [5_000, 1_000];

describe("delay queues", () => {
  it("are declared, one for each duration, and lead back", async () => {
    const { connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs });
    expect(orders.capabilities.delayedRequeue).toBe("native");
    expect([...rabbit.queues.keys()]).toEqual(["orders", "orders.delay.1000", "orders.delay.5000"]);
    expect(rabbit.queue("orders.delay.1000").settings.arguments).toEqual({
      "x-queue-type": "quorum",
      "x-message-ttl": 1_000,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "orders",
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    });
  });

  it("keep a message for at least as long as asked, take no room, and change nothing about it", async () => {
    const { clock, connection, publisher, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs, maxInFlight: 1 });
    await publisher.publish(
      {
        topic: "orders",
        payload: "a",
        key: "k",
        headers: { "content-type": "text/x", n: new Uint8Array([1]) },
      },
      { priority: 4, expirationMs: 900 },
    );
    const first = await takeOne(orders, clock);
    await first.nackAfter(600);
    await publish(connection, "orders", "b");
    await (await takeOne(orders, clock)).ack();
    await clock.advance(999);
    expect(await take(orders, clock)).toEqual([]);
    await clock.advance(1);
    const again = await takeOne(orders, clock);
    expect(again).toMatchObject({ topic: "orders", partitionKey: "k", deliveryCount: 1 });
    const { retryCount, retryTopic } = headerNames;
    expect([...again.headers.without(retryCount).without(retryTopic)].sort()).toEqual(
      [...first.headers].sort(),
    );
    expect([again.headers.get(retryCount), again.headers.get(retryTopic)]).toEqual(["1", "orders"]);
    expect(again.properties).toMatchObject({ priority: 4, deliveryMode: 2 });
    await again.nack();
    expect(attemptOf(await takeOne(orders, clock))).toBe(3);
    expect(rabbit.queue("orders.delay.1000").ready).toEqual([]);
  });

  it("remember the routing key of a message that came by an exchange, over several waits", async () => {
    const { clock, connection } = await setUp({
      topology: { exchanges: [{ name: "events", type: "topic" }] },
    });
    const orders = await open(connection, "orders", {
      delaysMs,
      bindings: [{ exchange: "events", routingKey: "order.*" }],
    });
    await connection.publisher({ exchange: "events" }).publish({ topic: "order.placed", payload: "a" });
    for (const attempt of [1, 2, 3]) {
      const message = await takeOne(orders, clock);
      expect(message.topic).toBe("order.placed");
      expect(attemptOf(message)).toBe(attempt);
      await message.nackAfter(1);
      await clock.advance(1_000);
    }
  });

  it.each(["quorum", "classic"] as const)(
    "count what was handled before, over processes, programs and a replay: %s",
    async (type) => {
      const { clock, rabbit, broker, connection } = await setUp();
      await connection.subscribe("dead", { create: true });
      const options = { type, delaysMs, create: { deadLetter: { topic: "dead" } } };
      const orders = await open(connection, "orders", options);
      // Another program has handled it four times, and writes the header in its own case.
      const headers = { "X-RustStream-Retry-Count": "4" };
      await connection.publisher().publish({ topic: "orders", payload: "a", headers });
      const first = await takeOne(orders, clock);
      expect(attemptOf(first)).toBe(5);
      await first.nackAfter(1);
      await connection.close();
      const later = await broker.connect();
      const again = await open(later, "orders", options);
      await clock.advance(1_000);
      const second = await takeOne(again, clock);
      expect(second.headers.getAll(headerNames.retryCount)).toEqual(["5"]);
      expect(attemptOf(second)).toBe(6);
      await second.nack({ requeue: false });
      await clock.flush();
      const letter = await takeOne(await later.subscribe("dead"), clock);
      expect(retryCountIn(letter.headers, "orders")).toBe(5);
      expect([letter.topic, attemptOf(letter)]).toEqual(["dead", 1]);
      await later.publisher().publish({ topic: "orders", payload: letter.payload, headers: letter.headers });
      expect(attemptOf(await takeOne(again, clock))).toBe(6);
      expect(rabbit.queue("orders.delay.1000").ready).toEqual([]);
    },
  );

  it("count for their own topic: a handler that passes the headers on leaves the next its attempts", async () => {
    const { clock, connection, publisher } = await setUp();
    const [a, b] = [await open(connection, "a", { delaysMs }), await open(connection, "b", { delaysMs })];
    await publish(connection, "a", "1");
    for (const attempt of [1, 2, 3]) {
      const message = await takeOne(a, clock);
      expect(attemptOf(message)).toBe(attempt);
      await message.nackAfter(1);
      await clock.advance(1_000);
    }
    const message = await takeOne(a, clock);
    await publisher.publish({ topic: "b", payload: "result", headers: message.headers });
    const first = await takeOne(b, clock);
    expect(attemptOf(first)).toBe(1);
    await first.nackAfter(1);
    await clock.advance(1_000);
    const second = await takeOne(b, clock);
    expect(second.headers.getAll(headerNames.retryTopic)).toEqual(["b"]);
    expect(attemptOf(second)).toBe(2);
  });

  it("that are all too short leave the waiting to this process", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs });
    await publish(connection, "orders", "a");
    await (await takeOne(orders, clock)).nackAfter(5_001);
    expect(rabbit.channels.some(({ held }) => held.size === 1)).toBe(true);
    await clock.advance(5_001);
    expect((await takeOne(orders, clock)).deliveryCount).toBe(2);
  });

  it("that fail leave it here too, and say so", async () => {
    const seen = events("tidelane:error");
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs });
    await publish(connection, "orders", "a");
    const message = await takeOne(orders, clock);
    rabbit.queues.delete("orders.delay.1000");
    await message.nackAfter(100);
    expect(seen).toMatchObject([{ topic: "orders", error: { code: "TIDELANE_PUBLISH_FAILED" }, message }]);
    await clock.advance(99);
    expect(await take(orders, clock)).toEqual([]);
    await clock.advance(1);
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });

  it("have the copy before the original is acked: a loss between the two makes two, never none", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs });
    await publish(connection, "orders", "a");
    const message = await takeOne(orders, clock);
    rabbit.silent = true;
    const settling = message.nackAfter(100);
    await clock.flush();
    rabbit.connection.cut();
    rabbit.speak();
    await settling;
    await clock.advance(3_000);
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });

  it("cost nothing for a delay of 0", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { delaysMs });
    await publish(connection, "orders", "a");
    await (await takeOne(orders, clock)).nackAfter(0);
    expect((await takeOne(orders, clock)).redelivered).toBe(true);
    expect(rabbit.channels.flatMap(({ frames }) => frames)).not.toContain("publish /orders.delay.1000");
  });
});
