import { getEventListeners } from "node:events";
import { AbortedError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

async function open(capacity: { messages?: number; bytes?: number }, ...payloads: string[]) {
  const tools = await setUp({ topics: { orders: { capacity } } });
  const subscriber = await tools.connection.subscribe("orders", { group: "g" });
  await publish(tools.connection, "orders", ...payloads);
  return { ...tools, subscriber };
}

describe("a full topic", () => {
  it("makes publish wait until something is settled, in the order of the calls", async () => {
    const { publisher, subscriber } = await open({ messages: 2 }, "a", "b");
    const calls = ["c", "d", "e"].map((payload) => publisher.publish({ topic: "orders", payload }));
    const states = () => Promise.all(calls.map(stateOf));
    expect(await states()).toEqual(["waiting", "waiting", "waiting"]);
    const [a, b] = take(subscriber);
    expect(await states()).toEqual(["waiting", "waiting", "waiting"]);
    await b?.ack();
    expect(await states()).toEqual([undefined, "waiting", "waiting"]);
    await a?.nack({ requeue: false });
    expect(await states()).toEqual([undefined, undefined, "waiting"]);
    const [c] = take(subscriber, 1);
    await c?.ack();
    await calls[2];
    expect(texts(take(subscriber))).toEqual(["d", "e"]);
  });

  it("counts what is queued, delayed and in flight", async () => {
    const { publisher, subscriber, clock } = await open({ messages: 3 }, "a", "b", "c");
    await takeOne(subscriber).nackAfter(1000);
    takeOne(subscriber);
    const waiting = publisher.publish({ topic: "orders", payload: "d" });
    await clock.advance(1000);
    expect(await stateOf(waiting)).toBe("waiting");
    await takeOne(subscriber).ack();
    expect(await stateOf(waiting)).toBeUndefined();
  });

  it("counts a message of several groups once, until the last has settled it", async () => {
    const { connection, publisher, subscriber } = await open({ messages: 1 });
    const second = await connection.subscribe("orders", { group: "h" });
    await publish(connection, "orders", "a");
    const waiting = publisher.publish({ topic: "orders", payload: "b" });
    await takeOne(subscriber).ack();
    expect(await stateOf(waiting)).toBe("waiting");
    await takeOne(second).ack();
    expect(await stateOf(waiting)).toBeUndefined();
  });

  it("has room again when the private subscription that held it closes", async () => {
    const { connection, publisher } = await setUp({ topics: { orders: { capacity: { messages: 1 } } } });
    const own = await connection.subscribe("orders");
    const other = await connection.subscribe("orders");
    await publish(connection, "orders", "a");
    await takeOne(other).ack();
    const calls = ["b", "c"].map((payload) => publisher.publish({ topic: "orders", payload }));
    await own.close();
    expect(await Promise.all(calls.map(stateOf))).toEqual([undefined, "waiting"]);
    for (const expected of ["b", "c"]) {
      const message = takeOne(other);
      expect(message.text()).toBe(expected);
      await message.ack();
    }
  });

  it("never lets a later publish pass a waiting one", async () => {
    const { publisher, subscriber } = await open({ bytes: 4 }, "aaa");
    const large = publisher.publish({ topic: "orders", payload: "bbb" });
    const small = publisher.publish({ topic: "orders", payload: "c" });
    expect(await Promise.all([stateOf(large), stateOf(small)])).toEqual(["waiting", "waiting"]);
    await takeOne(subscriber).ack();
    await Promise.all([large, small]);
    expect(texts(take(subscriber))).toEqual(["bbb", "c"]);
  });

  it("lets a message larger than all its bytes through when nothing else is there", async () => {
    const { publisher, subscriber } = await open({ bytes: 2 }, "a");
    const large = publisher.publish({ topic: "orders", payload: "bbbb" });
    expect(await stateOf(large)).toBe("waiting");
    await takeOne(subscriber).ack();
    await large;
    expect(texts(take(subscriber))).toEqual(["bbbb"]);
  });

  it("does not fill where nobody subscribes and its own retain says what is kept", async () => {
    const topics = {
      log: { retain: true as const, capacity: { messages: 1 } },
      air: { retain: { messages: 0 }, capacity: { messages: 1 } },
    };
    const { connection } = await setUp({ topics });
    await publish(connection, "log", "a", "b", "c");
    await publish(connection, "air", "a", "b", "c");
    expect(texts(take(await connection.subscribe("log", { from: "start" })))).toEqual(["a", "b", "c"]);
    expect(take(await connection.subscribe("air", { group: "g" }))).toEqual([]);
  });
});

describe("the signal of publish", () => {
  it("ends the wait: the message is never sent, and those behind it move up", async () => {
    const { publisher, subscriber } = await open({ bytes: 4 }, "aaa");
    const controller = new AbortController();
    const { signal } = controller;
    const large = publisher.publish({ topic: "orders", payload: "bbb" }, { signal });
    const small = publisher.publish({ topic: "orders", payload: "c" });
    controller.abort(new Error("enough"));
    await expect(large).rejects.toThrow(AbortedError);
    await small;
    expect(texts(take(subscriber))).toEqual(["aaa", "c"]);
  });

  it("that has fired already refuses even where there is room", async () => {
    const { publisher, subscriber } = await open({ messages: 5 });
    const attempt = publisher.publish({ topic: "orders", payload: "a" }, { signal: AbortSignal.abort() });
    await expect(attempt).rejects.toThrow(AbortedError);
    expect(take(subscriber)).toEqual([]);
  });

  it("ends any number of waits, and has no listener left after them", async () => {
    const { publisher, subscriber } = await open({ messages: 1 }, "a");
    const controller = new AbortController();
    const { signal } = controller;
    const send = () => publisher.publish({ topic: "orders", payload: "b" }, { signal });
    const calls = Promise.allSettled(Array.from({ length: 20 }, send));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    controller.abort();
    for (const outcome of await calls)
      expect(outcome).toMatchObject({ reason: { code: "TIDELANE_ABORTED" } });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(texts(take(subscriber))).toEqual(["a"]);
  });

  it("does nothing once the message was sent", async () => {
    const { publisher, subscriber } = await open({ messages: 1 }, "a");
    const controller = new AbortController();
    const waiting = publisher.publish({ topic: "orders", payload: "b" }, { signal: controller.signal });
    await takeOne(subscriber).ack();
    controller.abort();
    await waiting;
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    expect(texts(take(subscriber))).toEqual(["b"]);
  });
});

describe("a waiting publish", () => {
  it("ends with its own connection and with no other", async () => {
    const { broker, publisher, subscriber } = await open({ messages: 1 }, "a");
    const second = await broker.connect();
    const dying = second.publisher().publish({ topic: "orders", payload: "b" });
    const living = publisher.publish({ topic: "orders", payload: "c" });
    second.kill();
    await expect(dying).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    await takeOne(subscriber).ack();
    await living;
    expect(texts(take(subscriber))).toEqual(["c"]);
  });
});
