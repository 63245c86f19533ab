import { MemoryBroker, pipeline } from "tidelane";
import { describe, expect, it, vi } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

describe("a message that no subscription has had", () => {
  it("waits for the first that opens, with or without a group", async () => {
    for (const options of [{ group: "g" }, {}]) {
      const { connection } = await setUp();
      await publish(connection, "orders", "a", "b");
      expect(texts(take(await connection.subscribe("orders", options)))).toEqual(["a", "b"]);
      expect(take(await connection.subscribe("orders"))).toEqual([]);
    }
  });

  it("is a dead letter of a pipeline, found by a later subscription to its topic", async () => {
    const { clock, connection, publisher } = await setUp();
    await publish(connection, "orders", "poison");
    const run = pipeline(await connection.subscribe("orders", { group: "g" }), { clock, onError: () => {} })
      .onFailure({ maxAttempts: 1, deadLetter: { topic: "dead", publisher } })
      .handle(() => {
        throw new Error("no");
      });
    await clock.advance(1000);
    await run.drain();
    expect(texts(take(await connection.subscribe("dead")))).toEqual(["poison"]);
  });

  it('is left for another by a subscription that says "new"', async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "a");
    const fresh = await connection.subscribe("orders", { from: "new" });
    await publish(connection, "orders", "b");
    expect(texts(take(fresh))).toEqual(["b"]);
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["a"]);
  });

  it("is kept however many others the log has seen since", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "a");
    const fresh = await connection.subscribe("orders", { from: "new" });
    for (let left = 2000; left > 0; left -= 1) {
      await publish(connection, "orders", "b");
      await takeOne(fresh).ack();
    }
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["a"]);
  });

  it("is forgotten where the topic has a retain of its own, and only by that", async () => {
    const { connection } = await setUp({ topics: { log: { retain: { messages: 2 } } } });
    await publish(connection, "log", "a", "b", "c");
    expect(texts(take(await connection.subscribe("log")))).toEqual(["b", "c"]);
  });
});

describe("what a subscription without a group leaves unsettled", () => {
  it("goes to the next one, in order: delivered or not, and published while it was open", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "a", "b", "c");
    const first = await connection.subscribe("orders");
    const [a] = take(first, 2);
    await publish(connection, "orders", "d");
    await a?.ack();
    await first.close();
    await publish(connection, "orders", "e");
    const next = await connection.subscribe("orders");
    expect(texts(take(next))).toEqual(["b", "c", "d", "e"]);
    await connection.subscribe("orders");
    await next.close();
    const last = await connection.subscribe("orders");
    const had = take(last);
    expect(texts(had)).toEqual(["b", "c", "d", "e"]);
    for (const message of had) await message.ack();
    await last.close();
    expect(take(await connection.subscribe("orders"))).toEqual([]);
  });

  it("goes to the next one from a subscription to a pattern, and from a topic with a retain", async () => {
    const { connection } = await setUp({ topics: { "log.*": { retain: { messages: 2 } } } });
    for (const topic of ["a.x", "a.y", "log.z"]) await publish(connection, topic, "1", "2", "3");
    const pattern = await connection.subscribePattern(">");
    expect(texts(take(pattern))).toEqual(["1", "2", "3", "1", "2", "3", "2", "3"]);
    await pattern.close();
    const left = [];
    for (const topic of ["a.x", "a.y", "log.z"]) left.push(texts(take(await connection.subscribe(topic))));
    expect(left).toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
      ["2", "3"],
    ]);
  });

  it("goes back when its connection dies, and is with whoever still has it", async () => {
    const { broker, connection } = await setUp();
    const dying = await broker.connect();
    await dying.subscribe("orders");
    await publish(connection, "orders", "a");
    const other = await connection.subscribe("orders", { from: "new" });
    await publish(connection, "orders", "b");
    dying.kill();
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["a"]);
    expect(texts(take(other))).toEqual(["b"]);
    await other.close();
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["b"]);
  });

  it("is a dead letter where it was delivered often enough", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "a", "b");
    const only = await connection.subscribe("orders", { deadLetter: { topic: "dead", maxDeliveries: 1 } });
    take(only, 1);
    await only.close();
    expect(texts(take(await connection.subscribe("dead")))).toEqual(["a"]);
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["b"]);
  });
});

describe("seek", () => {
  it("takes over what no subscription has had, from its position on", async () => {
    for (const [position, had, left] of [
      ["start", ["a", "b", "c"], []],
      [2, ["b", "c"], ["a"]],
      ["end", [], ["a", "b", "c"]],
    ] as const) {
      const { connection } = await setUp();
      await publish(connection, "orders", "a", "b", "c");
      const group = await connection.subscribe("orders", { group: "g", from: "new" });
      await group.seek(position);
      expect(texts(take(group))).toEqual(had);
      expect(texts(take(await connection.subscribe("orders")))).toEqual(left);
    }
  });
});

describe("the log of a topic", () => {
  it("gives a new group the last 1,024 messages, whoever had them", async () => {
    const { connection } = await setUp();
    const first = await connection.subscribe("orders", { group: "first" });
    for (let number = 1; number <= 1100; number += 1) {
      await publish(connection, "orders", String(number));
      await takeOne(first).ack();
    }
    const seen = texts(take(await connection.subscribe("orders", { group: "second" })));
    expect([seen.length, seen[0], seen.at(-1)]).toEqual([1024, "77", "1100"]);
  });

  it("holds at most 1 MiB of them", async () => {
    const { connection, publisher } = await setUp();
    const first = await connection.subscribe("orders", { group: "first" });
    for (let left = 5; left > 0; left -= 1) {
      await publisher.publish({ topic: "orders", payload: new Uint8Array(2 ** 18 + 1) });
      await takeOne(first).ack();
    }
    expect(take(await connection.subscribe("orders", { group: "second" }))).toHaveLength(3);
  });

  it("is forgotten with a topic that nobody subscribes to, once there are very many topics", async () => {
    const { connection } = await setUp();
    const all = await connection.subscribePattern("reply.*", { group: "all" });
    for (let number = 0; number <= 1024; number += 1) {
      await publish(connection, `reply.${number}`, String(number));
      await takeOne(all).ack();
    }
    expect(take(await connection.subscribe("reply.0", { group: "g" }))).toEqual([]);
    expect(texts(take(await connection.subscribe("reply.1024", { group: "g" })))).toEqual(["1024"]);
    await publish(connection, "reply.1", "again");
    expect(texts(take(all))).toEqual(["again"]);
  });

  it("is never forgotten with what somebody has still to have", async () => {
    const { connection } = await setUp({ topics: { kept: { retain: true } } });
    const own = await connection.subscribe("open");
    await publish(connection, "unread", "a");
    const reader = await connection.subscribe("kept");
    await publish(connection, "kept", "b");
    await takeOne(reader).ack();
    await reader.close();
    for (let number = 0; number <= 2048; number += 1) {
      const subscriber = await connection.subscribe(`topic.${number}`);
      await subscriber.close();
    }
    await publish(connection, "open", "c");
    expect(texts(take(await connection.subscribe("unread")))).toEqual(["a"]);
    expect(texts(take(await connection.subscribe("kept", { from: "start" })))).toEqual(["b"]);
    expect(texts(take(own))).toEqual(["c"]);
  });
});

const small = { topics: { orders: { capacity: { messages: 2 } } } };

describe("a topic full of messages that no subscription has had", () => {
  it("rejects a publish, and says how many there are and what to do", async () => {
    const { connection, publisher } = await setUp(small);
    await publish(connection, "orders", "a", "b");
    const attempt = publisher.publish({ topic: "orders", payload: "c" });
    await expect(attempt).rejects.toMatchObject({
      code: "TIDELANE_PUBLISH_FAILED",
      retryable: true,
      topic: "orders",
      message: expect.stringMatching(
        /"orders".* full with 2 unread messages; subscribe to it, raise its capacity/,
      ),
    });
    const subscriber = await connection.subscribe("orders", { group: "g" });
    const waiting = publisher.publish({ topic: "orders", payload: "d" });
    expect(await stateOf(waiting)).toBe("waiting");
    await takeOne(subscriber).ack();
    await waiting;
    expect(texts(take(subscriber))).toEqual(["b", "d"]);
  });

  it("rejects one that would fill its bytes, and a transaction", async () => {
    const { connection, publisher } = await setUp({ topics: { orders: { capacity: { bytes: 3 } } } });
    await publish(connection, "orders", "aa");
    expect(await stateOf(publisher.publish({ topic: "orders", payload: "bb" }))).toBe(
      "TIDELANE_PUBLISH_FAILED",
    );
    const work = publisher.transaction((inner) => inner.publish({ topic: "orders", payload: "cc" }));
    expect(await stateOf(work)).toBe("TIDELANE_PUBLISH_FAILED");
    expect(await stateOf(publisher.request({ topic: "orders", payload: "dd" }, { timeoutMs: 5 }))).toBe(
      "TIDELANE_PUBLISH_FAILED",
    );
    await publish(connection, "orders", "e");
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["aa", "e"]);
  });

  it("rejects those that wait when the last subscription closes", async () => {
    const { connection, publisher } = await setUp(small);
    const own = await connection.subscribe("orders");
    await publish(connection, "orders", "a", "b");
    const calls = ["c", "d", "e"].map((payload) => publisher.publish({ topic: "orders", payload }));
    const states = () => Promise.all(calls.map(stateOf));
    expect(await states()).toEqual(["waiting", "waiting", "waiting"]);
    await own.close();
    const refused = "TIDELANE_PUBLISH_FAILED";
    expect(await states()).toEqual([refused, refused, refused]);
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["a", "b"]);
  });

  it("is what checkTopic tells of, and an illegal name", async () => {
    const { connection, publisher } = await setUp(small);
    await expect(publisher.checkTopic("orders")).resolves.toBeUndefined();
    await publish(connection, "orders", "a", "b");
    await expect(publisher.checkTopic("orders")).rejects.toMatchObject({
      code: "TIDELANE_PUBLISH_FAILED",
      retryable: true,
    });
    await connection.subscribe("orders", { group: "g" });
    await expect(publisher.checkTopic("orders")).resolves.toBeUndefined();
    for (const topic of ["", "orders.*"]) {
      await expect(publisher.checkTopic(topic)).rejects.toMatchObject({ code: "TIDELANE_INVALID_MESSAGE" });
    }
    await connection.close();
    await expect(publisher.checkTopic("orders")).rejects.toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
  });

  it("takes dead letters all the same, and says so once", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { connection } = await setUp({ topics: { dead: { capacity: { messages: 1 } } } });
    const subscriber = await connection.subscribe("orders", { deadLetter: { topic: "dead" } });
    await publish(connection, "orders", "a", "b", "c");
    const [a, b, c] = take(subscriber);
    await a?.nack({ requeue: false });
    expect(warn).not.toHaveBeenCalled();
    for (const message of [b, c]) await message?.nack({ requeue: false });
    expect(warn.mock.calls).toEqual([
      [
        'The memory topic "dead" holds 2 messages of 2 bytes, more than its capacity: dead letters are kept, room or not. Subscribe to it, or give it a retain. Said once for this topic.',
        "TidelaneWarning",
      ],
    ]);
    warn.mockRestore();
    expect(texts(take(await connection.subscribe("dead")))).toEqual(["a", "b", "c"]);
  });
});

describe("a broker full of messages that no subscription has had", () => {
  it("rejects a publish to a topic that nobody subscribes to, and says why", async () => {
    const { connection, publisher } = await setUp({
      unread: { messages: 2 },
      topics: { log: { retain: { messages: 1 } } },
    });
    await publish(connection, "log", "x", "y");
    await publish(connection, "a", "1");
    await publish(connection, "b", "2");
    await expect(publisher.publish({ topic: "c", payload: "3" })).rejects.toMatchObject({
      code: "TIDELANE_PUBLISH_FAILED",
      retryable: true,
      topic: "c",
      message: expect.stringMatching(
        /"c".* nobody subscribes to it, and the broker is full with 2 unread messages; .* raise its unread\.messages/,
      ),
    });
    await expect(publisher.checkTopic("c")).rejects.toMatchObject({ code: "TIDELANE_PUBLISH_FAILED" });
    await publish(connection, "log", "z");
    const read = await connection.subscribe("c");
    await publish(connection, "c", "4");
    expect(texts(take(read))).toEqual(["4"]);
    const group = await connection.subscribe("a", { group: "g" });
    await publish(connection, "d", "5");
    expect(texts(take(group))).toEqual(["1"]);
    await expect(publisher.checkTopic("e")).rejects.toMatchObject({ code: "TIDELANE_PUBLISH_FAILED" });
  });

  it("has room again when what came back at a close was had", async () => {
    const { connection, publisher } = await setUp({ unread: { messages: 1 } });
    const own = await connection.subscribe("a");
    await publish(connection, "a", "1");
    await own.close();
    expect(await stateOf(publisher.publish({ topic: "b", payload: "2" }))).toBe("TIDELANE_PUBLISH_FAILED");
    await takeOne(await connection.subscribe("a")).ack();
    await publish(connection, "b", "2");
  });

  it("has a bound of a whole number", () => {
    expect(() => new MemoryBroker({ unread: { messages: -1 } })).toThrow("options.unread.messages");
    expect(() => new MemoryBroker({ unread: { max: 1 } as never })).toThrow("unread.max");
  });
});

describe("deleteGroup", () => {
  it("makes room that a group which nobody reads has filled", async () => {
    const { connection, publisher } = await setUp(small);
    const reader = await connection.subscribe("orders", { group: "read" });
    await (await connection.subscribe("orders", { group: "left" })).close();
    await publish(connection, "orders", "a", "b");
    for (const message of take(reader)) await message.ack();
    const waiting = publisher.publish({ topic: "orders", payload: "c" });
    expect(await stateOf(waiting)).toBe("waiting");
    await expect(connection.deleteGroup("orders", "left")).resolves.toBe(true);
    await waiting;
    await takeOne(reader).ack();
    await publish(connection, "orders", "d", "e");
    await expect(connection.deleteGroup("orders", "left")).resolves.toBe(false);
    await expect(connection.deleteGroup("other", "read")).resolves.toBe(false);
  });

  it("forgets its settings, and its place", async () => {
    const { connection } = await setUp();
    const first = await connection.subscribe("orders", { group: "g", maxInFlight: 1 });
    await publish(connection, "orders", "a", "b");
    await takeOne(first).ack();
    await first.close();
    await connection.deleteGroup("orders", "g");
    const again = await connection.subscribe("orders", { group: "g", maxInFlight: 2 });
    expect(texts(take(again))).toEqual(["a", "b"]);
  });

  it("deletes a group of a pattern", async () => {
    const { connection, publisher } = await setUp({ topics: { "a.*": { capacity: { messages: 1 } } } });
    await (await connection.subscribePattern("a.*", { group: "g" })).close();
    await publish(connection, "a.x", "1");
    const waiting = publisher.publish({ topic: "a.x", payload: "2" });
    await expect(connection.deleteGroup("a.*", "g")).resolves.toBe(true);
    await waiting;
    expect(texts(take(await connection.subscribe("a.x")))).toEqual(["2"]);
  });

  it("is refused while the group has a subscription, on any connection", async () => {
    const { broker, connection } = await setUp();
    const subscriber = await (await broker.connect()).subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a");
    await expect(connection.deleteGroup("orders", "g")).rejects.toThrow(
      'deleteGroup(group) must be a group without open subscriptions: close them first; received "g"',
    );
    expect(texts(take(subscriber))).toEqual(["a"]);
    await connection.close();
    await expect(connection.deleteGroup("orders", "g")).rejects.toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
  });
});
