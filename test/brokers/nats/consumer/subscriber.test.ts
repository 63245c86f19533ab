import { describe, expect, it } from "vitest";
import type { NatsConnection } from "../../../../src/brokers/nats/index.ts";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { FakeHeaders } from "../fake/fake-headers.ts";
import { errorOf, events, Loop, setUpCore, texts } from "../support.ts";

async function publish(connection: NatsConnection, topic: string, ...payloads: string[]): Promise<void> {
  const publisher = connection.publisher();
  for (const payload of payloads) await publisher.publish({ topic, payload });
}

describe("a subscription to a subject", () => {
  it("is given what is published from then on, in order", async () => {
    const { clock, connection } = await setUpCore();
    await publish(connection, "a", "before");
    const loop = new Loop(await connection.subscribe("a"), clock);
    await publish(connection, "a", "1", "2");
    await publish(connection, "b", "other");
    expect(texts(await loop.take(2))).toEqual(["1", "2"]);
    expect(await loop.peek()).toBe("nothing");
  });

  it("by pattern is given what matches, under its own name", async () => {
    const { clock, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribePattern("a.>"), clock);
    for (const topic of ["a.b", "a.b.c", "b.a"]) await publish(connection, topic, topic);
    expect((await loop.take(2)).map(({ topic }) => topic)).toEqual(["a.b", "a.b.c"]);
    expect(await loop.peek()).toBe("nothing");
  });

  it("shares with its queue group, and copies to others", async () => {
    const { clock, connection } = await setUpCore();
    const open = async (group?: string) => connection.subscribe("a", group === undefined ? {} : { group });
    const members = [await open("g"), await open("g")];
    const alone = await open();
    await publish(connection, "a", "1", "2", "3", "4");
    await clock.flush();
    const takes = [...members, alone].map((one) => one[Symbol.asyncIterator]().takeReady?.(9)?.length);
    expect(takes).toEqual([2, 2, 4]);
  });

  it("has nothing to settle: ack() and a drop resolve, a requeue is refused", async () => {
    const { clock, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    await publish(connection, "a", "1", "2", "3");
    const [first, second, third] = await loop.take(3);
    await first?.ack();
    await second?.nack({ requeue: false });
    const error = await errorOf(third?.nack() ?? Promise.resolve());
    expect(isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED")).toBe(true);
    expect(third?.settled).toBe(false);
    expect(third?.deliveryCount).toBeUndefined();
  });

  it("keeps what has come for the next loop", async () => {
    const { clock, connection } = await setUpCore();
    const subscriber = await connection.subscribe("a");
    await publish(connection, "a", "1", "2", "3");
    const first = new Loop(subscriber, clock);
    expect(texts(await first.take(1))).toEqual(["1"]);
    await first.end();
    expect(texts(await new Loop(subscriber, clock).take(2))).toEqual(["2", "3"]);
  });

  it("forms batches", async () => {
    const { clock, connection } = await setUpCore();
    const subscriber = await connection.subscribe("a");
    await publish(connection, "a", "1", "2", "3");
    await clock.flush();
    const batches = subscriber.batches({ max: 2, maxWaitMs: 10 })[Symbol.asyncIterator]();
    expect(texts((await batches.next()).value ?? [])).toEqual(["1", "2"]);
    const last = batches.next();
    await clock.advance(10);
    expect(texts((await last).value ?? [])).toEqual(["3"]);
  });

  it("ends with close(), and what has come is gone", async () => {
    const { clock, nats, connection } = await setUpCore();
    const subscriber = await connection.subscribe("a");
    const loop = new Loop(subscriber, clock);
    await publish(connection, "a", "1");
    await Promise.all([subscriber.close(), subscriber.close()]);
    expect(await loop.peek()).toBe("done");
    expect(nats.line.subscriptions.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("goes on after the connection was lost", async () => {
    const { clock, nats, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    nats.line.lose();
    await clock.flush();
    nats.line.restore();
    await clock.flush();
    await publish(connection, "a", "after");
    expect(texts(await loop.take(1))).toEqual(["after"]);
  });

  it("is refused where the user may not listen", async () => {
    const { nats, connection } = await setUpCore();
    nats.denied.add("secret");
    const error = await errorOf(connection.subscribe("secret"));
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain("does not permit");
  });

  it("is refused when the connection is lost before the server has it", async () => {
    const { clock, nats, connection } = await setUpCore();
    nats.line.stalled = true;
    const told = errorOf(connection.subscribe("a"));
    await clock.flush();
    nats.line.lose();
    expect(isTidelaneError(await told, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(nats.line.subscriptions.size).toBe(0);
  });

  it("survives a message whose headers cannot be read, and reports it", async () => {
    const { clock, nats, connection } = await setUpCore();
    const seen = events("tidelane:error");
    const loop = new Loop(await connection.subscribe("a"), clock);
    const [subscription] = nats.line.subscriptions;
    // As the clients hand it over: headers are read when they are asked for.
    subscription?.hand({
      subject: "a",
      data: new TextEncoder().encode("x"),
      get headers(): FakeHeaders {
        const headers = new FakeHeaders();
        headers.append("bad name", "1");
        return headers;
      },
    });
    const came = await loop.next();
    expect(came.text()).toBe("x");
    expect(came.headers.size).toBe(0);
    expect(came.partitionKey).toBeUndefined();
    expect(seen.map(({ error }) => (error as Error).message)).toEqual([
      expect.stringContaining("the client cannot read its headers"),
    ]);
  });
});

describe("the inbox", () => {
  it.each([
    ["drop-newest", ["1", "2"]],
    ["drop-oldest", ["4", "5"]],
  ] as const)("that is full obeys %s, counts and reports", async (overflow, kept) => {
    const { clock, connection } = await setUpCore();
    const seen = events("tidelane:error");
    const subscriber = await connection.subscribe("a", { inbox: { maxMessages: 2, overflow } });
    await publish(connection, "a", "1", "2", "3", "4", "5");
    await clock.advance(0);
    expect(subscriber.dropped).toBe(3);
    expect(seen.map(({ topic, error }) => [topic, error])).toEqual([
      ["a", expect.objectContaining({ code: "TIDELANE_MESSAGES_DROPPED", dropped: 3, total: 3 })],
    ]);
    expect(texts(await new Loop(subscriber, clock).take(2))).toEqual(kept);
  });

  it("reports once a second at most, and the rest when it closes", async () => {
    const { clock, connection } = await setUpCore();
    const seen = events("tidelane:error");
    const subscriber = await connection.subscribe("a", { inbox: { maxMessages: 1 } });
    const dropped = () => seen.map(({ error }) => (error as { dropped?: number }).dropped);
    await publish(connection, "a", "1", "2");
    await clock.advance(0);
    await publish(connection, "a", "3", "4");
    await clock.advance(999);
    expect(dropped()).toEqual([1]);
    await clock.advance(1);
    expect(dropped()).toEqual([1, 2]);
    await publish(connection, "a", "5");
    await clock.flush();
    await subscriber.close();
    expect(dropped()).toEqual([1, 2, 1]);
    expect(clock.timers).toBe(0);
  });

  it("is bounded in bytes too; one message alone always fits", async () => {
    const { clock, connection } = await setUpCore();
    const subscriber = await connection.subscribe("a", { inbox: { maxBytes: 5 } });
    await publish(connection, "a", "123456", "7");
    await clock.flush();
    expect(subscriber.dropped).toBe(1);
    const loop = new Loop(subscriber, clock);
    expect(texts(await loop.take(1))).toEqual(["123456"]);
    await publish(connection, "a", "12", "345", "6");
    await clock.flush();
    expect(texts(await loop.take(2))).toEqual(["12", "345"]);
    expect(subscriber.dropped).toBe(2);
  });

  it("with fail ends the subscription, after what it held", async () => {
    const { clock, connection } = await setUpCore();
    const subscriber = await connection.subscribe("a", { inbox: { maxMessages: 1, overflow: "fail" } });
    await publish(connection, "a", "1", "2");
    await clock.flush();
    const loop = new Loop(subscriber, clock);
    expect(texts(await loop.take(1))).toEqual(["1"]);
    const error = (await loop.peek()) as Error;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain("inbox is full");
    expect(await loop.peek()).toBe("done");
  });

  it("that is left when the connection is gone for good is silent, and counted", async () => {
    const { clock, nats, connection } = await setUpCore();
    const seen = events("tidelane:error");
    const subscriber = await connection.subscribe("a");
    await publish(connection, "a", "1", "2", "3");
    await clock.flush();
    const loop = new Loop(subscriber, clock);
    expect(texts(await loop.take(1))).toEqual(["1"]);
    nats.line.end(new Error("too many attempts"));
    await clock.flush();
    const error = (await loop.peek()) as Error;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(await loop.peek()).toBe("done");
    expect(subscriber.dropped).toBe(2);
    expect(seen.map(({ topic, error: told }) => [topic, told])).toEqual([
      ["a", expect.objectContaining({ code: "TIDELANE_MESSAGES_DROPPED", dropped: 2, total: 2 })],
    ]);
  });
});
