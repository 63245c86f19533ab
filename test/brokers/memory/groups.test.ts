import { InvalidArgumentError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

describe("groups", () => {
  it("get a copy each, and share it within", async () => {
    const { broker, connection } = await setUp();
    const second = await broker.connect();
    const a1 = await connection.subscribe("orders", { group: "a" });
    const a2 = await second.subscribe("orders", { group: "a" });
    const b = await connection.subscribe("orders", { group: "b" });
    const own = await connection.subscribe("orders");
    await publish(connection, "orders", "1", "2", "3");
    expect(texts([...take(a1, 1), ...take(a2, 1), ...take(a1)])).toEqual(["1", "2", "3"]);
    expect(take(a2)).toEqual([]);
    expect(texts(take(b))).toEqual(["1", "2", "3"]);
    expect(texts(take(own))).toEqual(["1", "2", "3"]);
  });

  it("settle apart from each other", async () => {
    const { connection } = await setUp();
    const a = await connection.subscribe("orders", { group: "a" });
    const b = await connection.subscribe("orders", { group: "b" });
    await publish(connection, "orders", "1");
    await takeOne(a).nack({ requeue: false });
    await takeOne(b).nack();
    expect([texts(take(a)), texts(take(b))]).toEqual([[], ["1"]]);
  });

  it("keep collecting while nobody subscribes", async () => {
    const { connection } = await setUp();
    const first = await connection.subscribe("orders", { group: "a" });
    await first.close();
    await publish(connection, "orders", "1", "2");
    expect(texts(take(await connection.subscribe("orders", { group: "a" })))).toEqual(["1", "2"]);
  });

  it('start with all there is, and those that say "new" with what is published after they were made', async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "before");
    const fresh = await connection.subscribe("orders", { group: "new", from: "new" });
    const subscriber = await connection.subscribe("orders", { group: "a" });
    await publish(connection, "orders", "1");
    expect(texts(take(subscriber))).toEqual(["before", "1"]);
    expect(texts(take(fresh))).toEqual(["1"]);
  });

  it("of one name are apart on two topics", async () => {
    const { connection } = await setUp();
    const orders = await connection.subscribe("orders", { group: "a" });
    const bills = await connection.subscribe("bills", { group: "a", maxInFlight: 3 });
    await publish(connection, "bills", "b");
    expect([texts(take(orders)), texts(take(bills))]).toEqual([[], ["b"]]);
  });

  it("serve waiting subscribers in turn", async () => {
    const { connection } = await setUp();
    const iterators = [];
    for (const _ of [1, 2, 3]) {
      const subscriber = await connection.subscribe("orders", { group: "a" });
      iterators.push(subscriber[Symbol.asyncIterator]());
    }
    const calls = iterators.flatMap((iterator) => [iterator.next(), iterator.next()]);
    await publish(connection, "orders", "1", "2", "3", "4", "5", "6");
    const got = (await Promise.all(calls)).map((result) => result.value?.text());
    expect(got).toEqual(["1", "4", "2", "5", "3", "6"]);
  });

  it("without a name lose what they hold when closed, and leave it to the next", async () => {
    const { connection } = await setUp();
    const own = await connection.subscribe("orders");
    await publish(connection, "orders", "1");
    const held = takeOne(own);
    await own.close();
    await expect(held.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
    const next = await connection.subscribe("orders");
    await publish(connection, "orders", "2");
    expect(texts(take(next))).toEqual(["1", "2"]);
  });
});

describe("maxInFlight", () => {
  it("bounds what the whole group holds unsettled", async () => {
    const { connection } = await setUp();
    const one = await connection.subscribe("orders", { group: "a", maxInFlight: 2 });
    const other = await connection.subscribe("orders", { group: "a" });
    await publish(connection, "orders", "1", "2", "3", "4");
    const [first] = take(one, 1);
    expect(texts(take(other))).toEqual(["2"]);
    expect([take(one), take(other)]).toEqual([[], []]);
    const waiting = other[Symbol.asyncIterator]().next();
    expect(await stateOf(waiting)).toBe("waiting");
    await first?.ack();
    expect((await waiting).value?.text()).toBe("3");
    expect(take(one)).toEqual([]);
  });

  it("does not count a delivery that waits out its nackAfter", async () => {
    const { clock, connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "a", maxInFlight: 1 });
    await publish(connection, "orders", "1", "2");
    await takeOne(subscriber).nackAfter(10);
    const second = takeOne(subscriber);
    await clock.advance(10);
    expect(take(subscriber)).toEqual([]);
    await second.nack();
    expect(texts(take(subscriber))).toEqual(["1"]);
  });

  it("is 1024 unless said otherwise", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    for (let i = 0; i < 1100; i += 1) await publish(connection, "orders", "x");
    expect(subscriber.capabilities.maxInFlight).toBe(1024);
    expect(take(subscriber)).toHaveLength(1024);
  });
});

describe("the options of a subscription", () => {
  it("that contradict the group are refused with both values", async () => {
    const { connection } = await setUp();
    const deadLetter = { topic: "dead", maxDeliveries: 3 };
    await connection.subscribe("orders", { group: "a", maxInFlight: 5, ackDeadlineMs: 100, deadLetter });
    await connection.subscribe("orders", { group: "plain" });
    const refusals = [
      [
        { group: "a", maxInFlight: 6 },
        /maxInFlight must be 5, as the group "a" of "orders" has it; received 6/,
      ],
      [{ group: "a", ackDeadlineMs: 200 }, /ackDeadlineMs must be 100, .* received 200/],
      [{ group: "a", deadLetter: { topic: "other" } }, /deadLetter.topic must be dead, .* received "other"/],
      [
        { group: "a", deadLetter: { topic: "dead", maxDeliveries: 4 } },
        /maxDeliveries must be 3, .* received 4/,
      ],
      [{ group: "plain", ackDeadlineMs: 200 }, /ackDeadlineMs must be left out, .* received 200/],
    ] as const;
    for (const [options, message] of refusals) {
      const attempt = connection.subscribe("orders", options);
      await expect(attempt).rejects.toThrow(InvalidArgumentError);
      await expect(attempt).rejects.toThrow(message);
    }
  });

  it("left out are the group's", async () => {
    const { connection } = await setUp();
    const options = { maxInFlight: 5, ackDeadlineMs: 100, deadLetter: { topic: "dead" } };
    await connection.subscribe("orders", { group: "a", ...options });
    const second = await connection.subscribe("orders", { group: "a" });
    expect(second.capabilities).toMatchObject({ maxInFlight: 5, ackDeadlineMs: 100, deadLetter: true });
    await connection.subscribe("orders", { group: "a", ...options });
  });

  it.each([
    [{ group: "" }, "options.group"],
    [{ group: "a\nb" }, "options.group"],
    [{ maxInFlight: 0 }, "options.maxInFlight"],
    [{ maxInFlight: 1.5 }, "options.maxInFlight"],
    [{ maxInFlight: Number.NaN }, "options.maxInFlight"],
    [{ ackDeadlineMs: -5 }, "options.ackDeadlineMs"],
    [{ ackDeadlineMs: 0 }, "options.ackDeadlineMs"],
    [{ ackDeadlineMs: Number.NaN }, "options.ackDeadlineMs"],
    [{ deadLetter: { topic: "" } }, "options.deadLetter.topic"],
    [{ deadLetter: { topic: "dead.*" } }, "options.deadLetter.topic"],
    [{ deadLetter: { topic: "dead", maxDeliveries: 0 } }, "options.deadLetter.maxDeliveries"],
    [{ deadLetter: { topic: "orders" } }, "options.deadLetter.topic"],
    [{ from: "middle" as "new" }, "options.from"],
  ])("are refused by name: %j", async (options, argument) => {
    const { connection } = await setUp();
    const attempt = connection.subscribe("orders", options);
    await expect(attempt).rejects.toThrow(InvalidArgumentError);
    await expect(attempt).rejects.toThrow(argument);
  });
});

describe("subscribing by name", () => {
  it.each([
    "",
    "a\u0000b",
    "a\r\nb",
    7 as unknown as string,
    undefined as unknown as string,
    null as unknown as string,
  ])("refuses %j", async (topic) => {
    const { connection } = await setUp();
    await expect(connection.subscribe(topic)).rejects.toThrow(InvalidArgumentError);
  });

  it.each(["orders.*", ">", "orders.>"])("refuses %s and names subscribePattern", async (topic) => {
    const { connection } = await setUp();
    await expect(connection.subscribe(topic)).rejects.toThrow(/subscribePattern\(\)/);
  });

  it("refuses the inboxes of requests", async () => {
    const { connection } = await setUp();
    await expect(connection.subscribe("_inbox.1")).rejects.toThrow(/kept for replies/);
  });
});
