import { describe, expect, it } from "vitest";
import { amqpExclusiveQueue, amqpQueue } from "../../../../src/brokers/amqp/index.ts";
import { serverError } from "../fake/fake-channel.ts";
import { events, open, publish, setUp, stateOf, take, takeOne, texts } from "../support.ts";

const revoked = { code: "TIDELANE_DELIVERY_REVOKED" };

describe("a subscription", () => {
  it("gives what is in the queue, in order, with all that came along", async () => {
    const { clock, connection, publisher } = await setUp();
    const orders = await open(connection, "orders");
    await publisher.publish({ topic: "orders", payload: "a", key: "k", headers: { trace: "1" } });
    await publish(connection, "orders", "b", "c");
    const messages = await take(orders, clock);
    expect(texts(messages)).toEqual(["a", "b", "c"]);
    expect(messages[0]).toMatchObject({
      topic: "orders",
      partitionKey: "k",
      deliveryCount: 1,
      exchange: "",
      redelivered: false,
      properties: { deliveryMode: 2 },
    });
    expect(messages[0]?.headers.get("trace")).toBe("1");
    expect(messages[0]?.payload.constructor).toBe(Uint8Array);
  });

  it("holds no more than maxInFlight, and goes on when one is settled", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { maxInFlight: 2 });
    await publish(connection, "orders", "a", "b", "c");
    const [first] = await take(orders, clock);
    expect(rabbit.queue("orders").ready).toHaveLength(1);
    await first?.ack();
    expect(texts(await take(orders, clock))).toEqual(["c"]);
  });

  it("by name needs the queue to be there", async () => {
    const { connection, rabbit } = await setUp();
    await expect(connection.subscribe("orders")).rejects.toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining('the queue "orders" does not exist; subscribe with create: true'),
    });
    await open(connection, "orders");
    expect((await connection.subscribe("orders")).topic).toBe("orders");
    expect(rabbit.channels.filter((channel) => channel.open)).toHaveLength(2);
  });

  it("goes by the clock of its broker", async () => {
    const { clock, connection } = await setUp();
    expect((await open(connection, "orders")).clock).toBe(clock);
  });

  it("that was declared in another way is refused", async () => {
    const { connection } = await setUp();
    await open(connection, "orders");
    await expect(open(connection, "orders", { type: "classic" })).rejects.toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining("it exists with other settings"),
    });
  });

  it("one iterator at a time; break leaves the rest for the next", async () => {
    const { clock, connection } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b");
    await clock.flush();
    for await (const message of orders) {
      expect(() => orders[Symbol.asyncIterator]()).toThrow(/already has an active iterator/);
      await message.ack();
      break;
    }
    expect(texts(await take(orders, clock))).toEqual(["b"]);
  });

  it("comes in batches", async () => {
    const { clock, connection } = await setUp();
    const orders = await open(connection, "orders");
    const batches = orders.batches({ max: 2, maxWaitMs: 50 })[Symbol.asyncIterator]();
    await publish(connection, "orders", "a", "b", "c");
    await clock.flush();
    const sizes: number[] = [];
    for (let round = 0; round < 2; round += 1) {
      const next = batches.next();
      await clock.advance(50);
      const { value = [] } = await next;
      sizes.push(value.length);
    }
    expect(sizes).toEqual([2, 1]);
  });
});

describe("settling", () => {
  it("gives back what it held before the next one of a single active consumer begins", async () => {
    const { clock, connection } = await setUp();
    const single = { create: { singleActiveConsumer: true }, maxInFlight: 2 };
    const one = await open(connection, "orders", single);
    const two = await open(connection, "orders", single);
    await publish(connection, "orders", "a", "b", "c", "d");
    const [first] = await take(one, clock);
    await first?.ack();
    await clock.flush();
    const closing = one.close();
    await clock.flush();
    await closing;
    expect(texts(await take(two, clock))).toEqual(["b", "c"]);
  });

  it("counts deliveries, as the queue does", async () => {
    const { clock, connection } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a");
    for (const count of [1, 2, 3]) {
      const message = await takeOne(orders, clock);
      expect(message.deliveryCount).toBe(count);
      await message.nack();
    }
  });

  it("does not count where the queue does not", async () => {
    const { clock, connection } = await setUp();
    const orders = await open(connection, "orders", { type: "classic" });
    await publish(connection, "orders", "a");
    expect((await takeOne(orders, clock)).deliveryCount).toBeUndefined();
    const wrong = await connection.subscribe(amqpQueue("orders"));
    await orders.close();
    expect((await takeOne(wrong, clock)).deliveryCount).toBeUndefined();
  });

  it("drops to the dead letter queue, where the message says why", async () => {
    const { clock, connection } = await setUp();
    const dead = await open(connection, "dead");
    const orders = await open(connection, "orders", { create: { deadLetter: { topic: "dead" } } });
    await publish(connection, "orders", "a");
    await (await takeOne(orders, clock)).nack({ requeue: false });
    const letter = await takeOne(dead, clock);
    expect(letter.text()).toBe("a");
    expect(letter.headers.get("x-tidelane-dead-letter-reason")).toBe("rejected");
    expect(letter.headers.get("x-tidelane-dead-letter-source")).toBe("orders");
  });

  it("is over with maxDeliveries", async () => {
    const { clock, connection } = await setUp();
    const dead = await open(connection, "dead");
    const create = { deadLetter: { topic: "dead" }, maxDeliveries: 2 };
    const orders = await open(connection, "orders", { create });
    await publish(connection, "orders", "a");
    await (await takeOne(orders, clock)).nack();
    await (await takeOne(orders, clock)).nack();
    expect(await take(orders, clock)).toEqual([]);
    expect((await takeOne(dead, clock)).headers.get("x-tidelane-dead-letter-reason")).toBe("delivery_limit");
  });

  it("later, held here, takes its room", async () => {
    const { clock, connection } = await setUp();
    const orders = await open(connection, "orders", { maxInFlight: 1 });
    expect(orders.capabilities.delayedRequeue).toBe("local");
    await publish(connection, "orders", "a", "b");
    await (await takeOne(orders, clock)).nackAfter(500);
    await clock.advance(499);
    expect(await take(orders, clock)).toEqual([]);
    await clock.advance(1);
    expect(texts(await take(orders, clock))).toEqual(["b"]);
  });
});

describe("close", () => {
  it("tells of settles that are on their way, and gives back the rest", async () => {
    const { clock, connection, rabbit } = await setUp({ publishTimeoutMs: Number.POSITIVE_INFINITY });
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b", "c", "d");
    const [a, b, c] = await take(orders, clock, 3);
    await a?.ack();
    await b?.nackAfter(1_000);
    await Promise.all([orders.close(), orders.close()]);
    expect(rabbit.queue("orders").ready.map(({ content }) => content.toString())).toEqual(["b", "c", "d"]);
    await expect(c?.ack()).rejects.toMatchObject(revoked);
    expect(clock.timers).toBe(0);
    const iterator = orders[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("is bounded when the server has gone silent", async () => {
    const { clock, connection, rabbit } = await setUp({ closeTimeoutMs: 300 });
    const orders = await open(connection, "orders");
    rabbit.silent = true;
    const closing = orders.close();
    expect(await stateOf(closing)).toBe("waiting");
    await clock.advance(300);
    await closing;
  });
});

describe("a lost connection", () => {
  it("brings the queue back, and what was in flight again", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b");
    await take(orders, clock, 1);
    rabbit.queues.delete("orders");
    rabbit.connection.cut();
    await clock.advance(2_000);
    await publish(connection, "orders", "c");
    expect(texts(await take(orders, clock))).toEqual(["c"]);
  });

  it("lets no settle of an old delivery reach the new channel, where its tag is another message", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b");
    const [old, held] = await take(orders, clock);
    await held?.nackAfter(10);
    rabbit.connection.cut();
    expect(old?.signal.aborted).toBe(true);
    await expect(old?.ack()).rejects.toMatchObject({ ...revoked, reason: "its connection was lost" });
    await clock.advance(2_000);
    const again = await take(orders, clock);
    expect(texts(again)).toEqual(["a", "b"]);
    expect(again[0]?.deliveryCount).toBe(2);
    const channel = rabbit.channels.findLast(({ held: unsettled }) => unsettled.size > 0);
    expect(channel?.frames).toEqual([]);
  });

  it("forgets what had come and nobody had taken, so that it is given once", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b");
    await clock.flush();
    rabbit.connection.cut();
    const iterator = orders[Symbol.asyncIterator]();
    expect(iterator.takeReady?.(5)).toEqual([]);
    await clock.advance(2_000);
    expect(texts(iterator.takeReady?.(5) ?? [])).toEqual(["a", "b"]);
  });

  it("waits until the server has let go of the consumer it had, but not for long", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a");
    const queue = rabbit.queue("orders");
    const begun = (): boolean => queue.consumers.some((consumer) => consumer !== stale);
    const stale = { prefetch: 0, held: new Map(), deliver: () => {}, cancelled: () => {} };
    queue.consumers.push(stale);
    rabbit.connection.cut();
    await clock.advance(500);
    expect(begun()).toBe(false);
    queue.consumers.splice(0);
    await clock.advance(500);
    expect(begun()).toBe(true);
    queue.consumers.push(stale);
    rabbit.connection.cut();
    await clock.advance(3_000);
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });

  it("while the subscription is being opened is waited out", async () => {
    const { clock, connection, rabbit } = await setUp();
    rabbit.silent = true;
    const opening = open(connection, "orders");
    await clock.flush();
    rabbit.connection.cut();
    rabbit.speak();
    await clock.advance(2_000);
    expect((await opening).topic).toBe("orders");
  });

  it("an ack in its very moment is not told to anybody", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a");
    const message = await takeOne(orders, clock);
    await message.ack();
    rabbit.connection.cut();
    await clock.advance(2_000);
    expect(message.signal.aborted).toBe(false);
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });
});

describe("the server", () => {
  it("cancels the consumer of a queue that is deleted: a declared one is made again", async () => {
    const seen = events("tidelane:error");
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a");
    const old = await takeOne(orders, clock);
    rabbit.deleteQueue("orders");
    await expect(old.ack()).rejects.toMatchObject(revoked);
    await clock.advance(1_000);
    await publish(connection, "orders", "b");
    expect(texts(await take(orders, clock))).toEqual(["b"]);
    expect(seen).toMatchObject([
      { topic: "orders", error: { message: expect.stringContaining("cancelled its consumer") } },
    ]);
    expect(rabbit.channels.filter((channel) => channel.open && channel.held.size > 0)).toHaveLength(1);
  });

  it("cancels it: one that is not declared here ends with what to do", async () => {
    const { clock, connection, rabbit } = await setUp();
    await (await open(connection, "orders")).close();
    const orders = await connection.subscribe("orders");
    const next = orders[Symbol.asyncIterator]().next();
    const outcome = next.catch((error: unknown) => error);
    rabbit.deleteQueue("orders");
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining('the queue "orders" does not exist'),
    });
    expect(connection.state).toBe("open");
    expect(clock.timers).toBe(0);
  });

  it("closes the channel, as for a delivery that is unsettled too long: another one is opened", async () => {
    const seen = events("tidelane:error");
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a");
    const old = await takeOne(orders, clock);
    const text = "delivery acknowledgement on channel 1 timed out";
    const channel = rabbit.channels.find(({ held }) => held.size > 0);
    channel?.closeByServer(serverError(406, "PRECONDITION_FAILED", text));
    await expect(old.ack()).rejects.toMatchObject({ ...revoked, reason: "the server closed its channel" });
    await clock.advance(1_000);
    expect((await takeOne(orders, clock)).deliveryCount).toBe(2);
    expect(seen).toHaveLength(1);
  });

  it("still takes the old connection for alive: what was ours alone is waited for", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders", { type: "classic", exclusive: true });
    await publish(connection, "orders", "a");
    await clock.flush();
    const other = await rabbit.connect({} as never, { signal: new AbortController().signal } as never);
    const stranger = await other.createChannel();
    rabbit.connections[0]?.cut();
    await stranger.consume("orders", () => {}, {});
    await clock.advance(5_000);
    expect(await take(orders, clock)).toEqual([]);
    await stranger.close();
    await clock.advance(20_000);
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });

  it("refuses an exclusive consumer beside others, at once", async () => {
    const { connection } = await setUp();
    await open(connection, "orders", { type: "classic" });
    await expect(open(connection, "orders", { type: "classic", exclusive: true })).rejects.toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining("another consumer or connection uses it exclusively"),
    });
  });
});

describe("an exclusive queue", () => {
  it("has its own copy, by pattern too, and a new queue after a reconnect", async () => {
    const { clock, connection, rabbit } = await setUp({
      topology: { exchanges: [{ name: "events", type: "topic" }] },
    });
    const source = amqpExclusiveQueue("order.*", { exchange: "events" });
    const [one, two] = [await connection.subscribe(source), await connection.subscribe(source)];
    const publisher = connection.publisher({ exchange: "events" });
    await publisher.publish({ topic: "order.placed", payload: "a" });
    for (const each of [one, two]) {
      expect(await takeOne(each, clock)).toMatchObject({ topic: "order.placed", exchange: "events" });
    }
    rabbit.connection.cut();
    await clock.advance(2_000);
    await publisher.publish({ topic: "order.paid", payload: "b" });
    expect(texts(await take(one, clock))).toEqual(["b"]);
    expect(rabbit.queues.size).toBe(2);
  });
});
