import {
  ConnectionClosedError,
  DeliveryRevokedError,
  MemoryBroker,
  type MemoryConnection,
  SubscriptionFailedError,
} from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, takeOne, texts } from "./support.ts";

const done = { value: undefined, done: true };

describe("closing a subscriber", () => {
  it("gives back what is unsettled, in its place, with its count", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a", "b", "c", "d");
    const [a, b] = take(subscriber, 3);
    await b?.ack();
    await subscriber.close();
    const next = await connection.subscribe("orders", { group: "g" });
    const left = take(next);
    expect(texts(left)).toEqual(["a", "c", "d"]);
    expect(left.map((message) => message.deliveryCount)).toEqual([2, 2, 1]);
    await expect(a?.ack()).rejects.toThrow(/its subscriber was closed/);
  });

  it("hands it to a subscriber of the group that waits", async () => {
    const { connection } = await setUp();
    const one = await connection.subscribe("orders", { group: "g" });
    const other = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a");
    takeOne(one);
    const next = other[Symbol.asyncIterator]().next();
    await one.close();
    expect((await next).value?.text()).toBe("a");
  });

  it("leaves alone what others of the group hold", async () => {
    const { connection } = await setUp();
    const one = await connection.subscribe("orders", { group: "g" });
    const other = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a", "b");
    takeOne(one);
    const held = takeOne(other);
    await one.close();
    expect(held.signal.aborted).toBe(false);
    await held.ack();
    expect(texts(take(other))).toEqual(["a"]);
  });

  it("ends its iterator, waiting calls included, and later ones", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    const iterator = subscriber[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await subscriber.close();
    expect(await Promise.all(waiting)).toEqual([done, done]);
    expect(await iterator.next()).toEqual(done);
    expect(await subscriber[Symbol.asyncIterator]().next()).toEqual(done);
    expect(await subscriber[Symbol.asyncIterator]().next()).toEqual(done);
  });

  it("is idempotent, and delivers nothing afterwards", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g" });
    await Promise.all([subscriber.close(), subscriber.close(), subscriber[Symbol.asyncDispose]()]);
    await publish(connection, "orders", "a");
    expect(take(subscriber)).toEqual([]);
    await expect(subscriber.seek("end")).rejects.toThrow(SubscriptionFailedError);
  });

  it("keeps a nackAfter waiting, which a later subscriber sees when it is due and not before", async () => {
    const { clock, connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a", "b");
    const [a, b] = take(subscriber);
    await a?.nackAfter(100);
    await b?.nackAfter(10);
    await subscriber.close();
    expect(clock.timers).toBe(0);
    await clock.advance(50);
    const next = await connection.subscribe("orders", { group: "g" });
    await clock.advance(0);
    expect(texts(take(next))).toEqual(["b"]);
    await clock.advance(49);
    expect(take(next)).toEqual([]);
    await clock.advance(1);
    expect(texts(take(next))).toEqual(["a"]);
  });
});

describe("close() of a connection", () => {
  it("ends every iterator, gives everything back and revokes it", async () => {
    const { broker, connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g" });
    const other = await connection.subscribe("bills");
    await publish(connection, "orders", "a");
    const held = takeOne(subscriber);
    const { signal } = held;
    const waiting = other[Symbol.asyncIterator]().next();
    await connection.close();
    expect(connection.state).toBe("closed");
    expect(await waiting).toEqual(done);
    expect(signal.reason).toBeInstanceOf(DeliveryRevokedError);
    await expect(held.ack()).rejects.toThrow(/its connection was closed/);
    const second = await broker.connect();
    expect(texts(take(await second.subscribe("orders", { group: "g" })))).toEqual(["a"]);
  });

  it("is idempotent, also called at once and by its other names", async () => {
    const { connection } = await setUp();
    await Promise.all([connection.close(), connection.close(), connection[Symbol.asyncDispose]()]);
    connection.kill();
    await connection.close();
    expect(connection.state).toBe("closed");
  });

  it("ends what is blocked: publish, request and transaction reject", async () => {
    const { connection, publisher } = await setUp({ topics: { full: { capacity: { messages: 1 } } } });
    await connection.subscribe("full");
    await publish(connection, "full", "a");
    const blocked = [
      publisher.publish({ topic: "full", payload: "b" }),
      publisher.request({ topic: "nobody", payload: "?" }, { timeoutMs: 1000 }),
      publisher.request({ topic: "full", payload: "?" }, { timeoutMs: 1000 }),
      publisher.transaction((inner) => inner.publish({ topic: "full", payload: "c" })),
      publisher.transaction(() => new Promise(() => {})),
    ];
    const outcomes = Promise.allSettled(blocked);
    await new Promise((resolve) => setImmediate(resolve));
    await connection.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "TIDELANE_CONNECTION_CLOSED" } });
    }
  });

  it("leaves no timer, whatever was going on", async () => {
    const { clock, connection, publisher } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g", ackDeadlineMs: 100 });
    const batching = await connection.subscribe("bills", { group: "g" });
    await publish(connection, "orders", "a", "b");
    await publish(connection, "bills", "c");
    await takeOne(subscriber).nackAfter(50);
    takeOne(subscriber);
    const batch = batching.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]().next();
    const request = publisher.request({ topic: "nobody", payload: "?" }, { timeoutMs: 10 });
    const rejected = expect(request).rejects.toThrow(ConnectionClosedError);
    expect(clock.timers).toBeGreaterThan(2);
    await connection.close();
    await rejected;
    expect((await batch).done).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it.each<[string, (connection: MemoryConnection) => Promise<unknown>]>([
    ["publish", (connection) => connection.publisher().publish({ topic: "orders", payload: "a" })],
    ["subscribe", (connection) => connection.subscribe("orders")],
    ["subscribePattern", (connection) => connection.subscribePattern("orders.*")],
    [
      "request",
      (connection) => connection.publisher().request({ topic: "a", payload: "" }, { timeoutMs: 1 }),
    ],
    ["transaction", (connection) => connection.publisher().transaction(async () => {})],
  ])("makes %s reject, before and after a publisher was made", async (_name, call) => {
    for (const end of ["close", "kill"] as const) {
      const { connection } = await setUp();
      await connection[end]();
      await expect(call(connection)).rejects.toThrow(ConnectionClosedError);
    }
  });

  it("makes a seek reject", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    await connection.close();
    await expect(subscriber.seek("end")).rejects.toThrow(ConnectionClosedError);
  });

  it("publishes nothing afterwards", async () => {
    const { broker, connection, publisher } = await setUp();
    const second = await broker.connect();
    const subscriber = await second.subscribe("orders");
    await connection.close();
    await publisher.publish({ topic: "orders", payload: "late" }).catch(() => {});
    await publish(second, "orders", "sentinel");
    expect(texts(take(subscriber))).toEqual(["sentinel"]);
  });
});

describe("kill", () => {
  it("rejects a waiting next() once, with the reason; iteration then ends", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    const iterator = subscriber[Symbol.asyncIterator]();
    const [first, second] = [iterator.next(), iterator.next()];
    const rejected = expect(first).rejects.toThrow(/The subscription of "orders" ended: the cable was cut/);
    connection.kill("the cable was cut");
    await rejected;
    expect(await second).toEqual(done);
    expect(await iterator.next()).toEqual(done);
    expect(await subscriber[Symbol.asyncIterator]().next()).toEqual(done);
    expect(connection.state).toBe("closed");
  });

  it("rejects the next call where none waits, in the next iterator too", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    connection.kill();
    const iterator = subscriber[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow(SubscriptionFailedError);
    expect(await iterator.next()).toEqual(done);
  });

  it("rejects a batch that waits", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    const next = subscriber.batches({ max: 2 })[Symbol.asyncIterator]().next();
    const rejected = expect(next).rejects.toThrow(SubscriptionFailedError);
    connection.kill();
    await rejected;
  });

  it("says nothing more once the subscriber was closed", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    connection.kill();
    await subscriber.close();
    await expect(subscriber[Symbol.asyncIterator]().next()).rejects.toThrow(SubscriptionFailedError);
    const closed = await (await setUp()).connection.subscribe("orders");
    await closed.close();
    expect(await closed[Symbol.asyncIterator]().next()).toEqual(done);
  });

  it("gives deliveries back past the subscribers that die with it", async () => {
    const { broker, connection } = await setUp();
    const survivor = await broker.connect();
    const holder = await connection.subscribe("orders", { group: "g" });
    const sibling = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a");
    const held = takeOne(holder);
    const dying = sibling[Symbol.asyncIterator]().next();
    const rejected = expect(dying).rejects.toThrow(SubscriptionFailedError);
    connection.kill();
    await rejected;
    await expect(held.nack()).rejects.toThrow(DeliveryRevokedError);
    const again = takeOne(await survivor.subscribe("orders", { group: "g" }));
    expect([again.text(), again.deliveryCount]).toEqual(["a", 2]);
  });
});

describe("a listener of a revoked delivery", () => {
  it("may use the broker: everything has its place already", async () => {
    const { connection } = await setUp();
    const one = await connection.subscribe("orders", { group: "g" });
    const other = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a", "b");
    const [a, b] = take(one);
    const seen: string[] = [];
    a?.signal.addEventListener("abort", () => {
      for (const message of take(other)) {
        seen.push(message.text());
        void message.ack();
      }
      void other.close();
    });
    await one.close();
    expect(seen).toEqual(["a", "b"]);
    await expect(b?.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(take(await connection.subscribe("orders", { group: "g" }))).toEqual([]);
  });
});

it("on the system's clock, nothing keeps the process alive after close()", async () => {
  const connection = await new MemoryBroker().connect();
  const subscriber = await connection.subscribe("orders", { group: "g", ackDeadlineMs: 60_000 });
  const request = connection.publisher().request({ topic: "orders", payload: "?" }, { timeoutMs: 60_000 });
  const rejected = expect(request).rejects.toThrow(ConnectionClosedError);
  const timersBefore = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  takeOne(subscriber);
  const count = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  expect(count()).toBe(timersBefore + 1);
  await connection.close();
  await rejected;
  expect(count()).toBe(timersBefore - 1);
});
