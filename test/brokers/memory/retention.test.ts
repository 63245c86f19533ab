import { InvalidArgumentError, NotSupportedError, PositionUnavailableError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

const retained = { topics: { log: { retain: true as const } } };

describe("a retained topic", () => {
  it('is read from the start by a group that asks for it; "new" starts with what comes', async () => {
    const { connection } = await setUp(retained);
    await publish(connection, "log", "a", "b");
    const all = await connection.subscribe("log", { group: "all", from: "start" });
    const fresh = await connection.subscribe("log", { group: "new", from: "new" });
    const own = await connection.subscribe("log", { from: "start" });
    await publish(connection, "log", "c");
    expect(texts(take(all))).toEqual(["a", "b", "c"]);
    expect(texts(take(fresh))).toEqual(["c"]);
    expect(texts(take(own))).toEqual(["a", "b", "c"]);
  });

  it("does not start over for a group that exists", async () => {
    const { connection } = await setUp(retained);
    await publish(connection, "log", "a");
    const first = await connection.subscribe("log", { group: "g", from: "start" });
    await takeOne(first).ack();
    const second = await connection.subscribe("log", { group: "g", from: "start" });
    expect([take(first), take(second)]).toEqual([[], []]);
  });

  it.each([
    [{ messages: 2 }, ["c", "dd"]],
    [{ bytes: 3 }, ["c", "dd"]],
    [{ bytes: 2 }, ["dd"]],
    [{ bytes: 1 }, []],
    [{}, ["a", "b", "c", "dd"]],
  ])("keeps at most %j", async (retain, expected) => {
    const { connection } = await setUp({ topics: { log: { retain } } });
    await publish(connection, "log", "a", "b", "c", "dd");
    expect(texts(take(await connection.subscribe("log", { from: "start" })))).toEqual(expected);
  });

  it("keeps nothing older than ageMs", async () => {
    const { clock, connection } = await setUp({ topics: { log: { retain: { ageMs: 100 } } } });
    await publish(connection, "log", "a");
    await clock.advance(60);
    await publish(connection, "log", "b");
    const read = async () => texts(take(await connection.subscribe("log", { from: "start" })));
    await clock.advance(40);
    expect(await read()).toEqual(["a", "b"]);
    await clock.advance(1);
    expect(await read()).toEqual(["b"]);
    await clock.advance(60);
    expect(await read()).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("takes nothing from a group that has it still to deliver", async () => {
    const { clock, connection } = await setUp({ topics: { log: { retain: { messages: 1, ageMs: 10 } } } });
    const group = await connection.subscribe("log", { group: "g" });
    await publish(connection, "log", "a", "b", "c");
    await takeOne(group).nack();
    await clock.advance(1000);
    expect(texts(take(group))).toEqual(["a", "b", "c"]);
  });
});

async function openLog(...payloads: string[]) {
  const tools = await setUp(retained);
  const subscriber = await tools.connection.subscribe("log", { group: "g", from: "start" });
  await publish(tools.connection, "log", ...payloads);
  return { ...tools, subscriber };
}

describe("seek", () => {
  it("to a message's position delivers exactly this message again, then what follows", async () => {
    const { subscriber } = await openLog("a", "b", "c", "d");
    const messages = take(subscriber);
    for (const message of messages) await message.ack();
    await subscriber.seek(messages[1]?.position ?? 0);
    expect(texts(take(subscriber))).toEqual(["b", "c", "d"]);
  });

  it("revokes what is in flight, wherever it goes", async () => {
    for (const position of ["start", "end", 2] as const) {
      const { subscriber } = await openLog("a", "b");
      const held = takeOne(subscriber);
      await subscriber.seek(position);
      await expect(held.ack()).rejects.toThrow(/was moved by seek\(\)/);
    }
  });

  it('"end" skips all there is, delayed messages included', async () => {
    const { clock, connection, subscriber } = await openLog("a", "b", "c");
    await takeOne(subscriber).nackAfter(10);
    takeOne(subscriber);
    await subscriber.seek("end");
    await clock.advance(100);
    expect(take(subscriber)).toEqual([]);
    await publish(connection, "log", "d");
    expect(texts(take(subscriber))).toEqual(["d"]);
  });

  it('"start" is the oldest that is retained or still owed', async () => {
    const { connection } = await setUp({ topics: { log: { retain: { messages: 2 } } } });
    const subscriber = await connection.subscribe("log", { group: "g" });
    await publish(connection, "log", "a", "b", "c", "d");
    const [a, b, c, d] = take(subscriber);
    await b?.ack();
    await c?.ack();
    await d?.ack();
    expect(a?.settled).toBe(false);
    await subscriber.seek("start");
    expect(texts(take(subscriber))).toEqual(["a", "c", "d"]);
  });

  it("to the next to come is allowed, and counts start again", async () => {
    const { connection, subscriber } = await openLog("a");
    await takeOne(subscriber).nack();
    await subscriber.seek(2);
    expect(take(subscriber)).toEqual([]);
    await publish(connection, "log", "b");
    expect(texts(take(subscriber))).toEqual(["b"]);
    await subscriber.seek(1);
    expect(takeOne(subscriber).deliveryCount).toBe(1);
  });

  it("wakes a waiting next(), and moves the whole group but no other", async () => {
    const { connection, subscriber } = await openLog("a", "b");
    const other = await connection.subscribe("log", { group: "g" });
    const apart = await connection.subscribe("log", { group: "h", from: "start" });
    for (const message of take(subscriber)) await message.ack();
    const next = other[Symbol.asyncIterator]().next();
    expect(await stateOf(next)).toBe("waiting");
    await subscriber.seek(1);
    expect((await next).value?.text()).toBe("a");
    expect(texts(take(subscriber))).toEqual(["b"]);
    expect(texts(take(apart))).toEqual(["a", "b"]);
  });

  it("to what the log does not hold rejects, names what there is, and moves nothing", async () => {
    const { connection } = await setUp({ topics: { log: { retain: { messages: 2 } } } });
    const subscriber = await connection.subscribe("log", { group: "g" });
    await publish(connection, "log", "a", "b", "c");
    const held = takeOne(subscriber);
    for (const position of [1, 5]) {
      const attempt = subscriber.seek(position);
      await expect(attempt).rejects.toThrow(PositionUnavailableError);
      await expect(attempt).rejects.toThrow(`cannot seek to ${position}: available is 2 to 4`);
    }
    await expect(held.ack()).resolves.toBeUndefined();
    expect(texts(take(subscriber))).toEqual(["b", "c"]);
  });

  it.each([0, -1, 1.5, Number.NaN, "middle" as "end", undefined as unknown as "end"])(
    "refuses %s",
    async (position) => {
      const { subscriber } = await openLog("a");
      await expect(subscriber.seek(position)).rejects.toThrow(InvalidArgumentError);
      expect(texts(take(subscriber))).toEqual(["a"]);
    },
  );

  it("leaves the room of the topic exact", async () => {
    const topics = { log: { retain: true as const, capacity: { messages: 2 } } };
    const { connection, publisher } = await setUp({ topics });
    const subscriber = await connection.subscribe("log", { group: "g" });
    await publish(connection, "log", "a", "b");
    const waiting = publisher.publish({ topic: "log", payload: "c" });
    await subscriber.seek("end");
    await waiting;
    expect(texts(take(subscriber))).toEqual(["c"]);
    await subscriber.seek("start");
    const behind = publisher.publish({ topic: "log", payload: "d" });
    expect(await stateOf(behind)).toBe("waiting");
    for (const message of take(subscriber, 2)) await message.ack();
    await behind;
    expect(texts(take(subscriber))).toEqual(["c", "d"]);
  });
});

describe("seek where nothing is retained", () => {
  it('knows "start", "end" and the next to come; the rest is not available', async () => {
    const { connection } = await setUp({ topics: { orders: { retain: { messages: 0 } } } });
    const subscriber = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a", "b");
    takeOne(subscriber);
    await subscriber.seek("start");
    expect(texts(take(subscriber))).toEqual(["a", "b"]);
    await expect(subscriber.seek(1)).rejects.toThrow(/available is 3, the next to come/);
    await subscriber.seek(3);
    expect(take(subscriber)).toEqual([]);
  });

  it("is not supported over a pattern", async () => {
    const { connection } = await setUp(retained);
    const subscriber = await connection.subscribePattern("*");
    expect(subscriber.capabilities.seek).toBe(false);
    await expect(subscriber.seek("start")).rejects.toThrow(NotSupportedError);
  });
});
