import { DeliveryRevokedError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, takeOne, texts } from "./support.ts";

async function open(...payloads: string[]) {
  const tools = await setUp();
  const subscriber = await tools.connection.subscribe("orders", { group: "g", ackDeadlineMs: 100 });
  await publish(tools.connection, "orders", ...payloads);
  return { ...tools, subscriber };
}

describe("the ack deadline", () => {
  it("revokes a delivery that is unsettled for so long, and delivers it again", async () => {
    const { clock, subscriber } = await open("a");
    const message = takeOne(subscriber);
    const { signal } = message;
    await clock.advance(99);
    expect([signal.aborted, take(subscriber)]).toEqual([false, []]);
    await clock.advance(1);
    expect(signal.reason).toBeInstanceOf(DeliveryRevokedError);
    await expect(message.ack()).rejects.toThrow(/its ack deadline of 100 ms passed/);
    const again = takeOne(subscriber);
    expect([again.text(), again.deliveryCount]).toEqual(["a", 2]);
  });

  it("is the same again for every delivery", async () => {
    const { clock, subscriber } = await open("a");
    for (const count of [1, 2, 3]) {
      expect(takeOne(subscriber).deliveryCount).toBe(count);
      await clock.advance(100);
    }
  });

  it("starts anew with keepAlive()", async () => {
    const { clock, subscriber } = await open("a");
    const message = takeOne(subscriber);
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(99);
      await message.keepAlive();
    }
    await clock.advance(99);
    expect(message.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(message.signal.aborted).toBe(true);
    await expect(message.keepAlive()).rejects.toThrow(DeliveryRevokedError);
  });

  it("runs for each delivery apart, on one timer", async () => {
    const { clock, subscriber } = await open("a", "b", "c");
    const a = takeOne(subscriber);
    await clock.advance(30);
    const b = takeOne(subscriber);
    await clock.advance(30);
    const c = takeOne(subscriber);
    await a.keepAlive();
    expect(clock.timers).toBe(1);
    await clock.advance(70);
    const revoked = [a, b, c].map((message) => message.revoked !== undefined);
    expect(revoked).toEqual([false, true, false]);
    await clock.advance(30);
    expect([a, c].map((message) => message.revoked !== undefined)).toEqual([true, true]);
  });

  it("does not touch what was settled", async () => {
    const { clock, subscriber } = await open("a", "b", "c");
    const [a, b, c] = take(subscriber);
    await a?.ack();
    await b?.nack({ requeue: false });
    await c?.nackAfter(150);
    await clock.advance(149);
    expect(take(subscriber)).toEqual([]);
    await clock.advance(1);
    expect(texts(take(subscriber))).toEqual(["c"]);
    expect(a?.revoked).toBeUndefined();
  });

  it("frees a place of maxInFlight", async () => {
    const { clock, connection } = await setUp();
    const options = { group: "g", ackDeadlineMs: 100, maxInFlight: 1 };
    const subscriber = await connection.subscribe("orders", options);
    await publish(connection, "orders", "a", "b");
    takeOne(subscriber);
    const next = subscriber[Symbol.asyncIterator]().next();
    await clock.advance(100);
    expect((await next).value?.text()).toBe("a");
  });

  it("leaves no timer behind when the subscriber closes", async () => {
    const { clock, subscriber } = await open("a");
    takeOne(subscriber);
    await subscriber.close();
    expect(clock.timers).toBe(0);
  });

  it("where there is none, keepAlive() has nothing to do and nothing is lost", async () => {
    const { clock, connection } = await setUp();
    const subscriber = await connection.subscribe("orders");
    await publish(connection, "orders", "a");
    const message = takeOne(subscriber);
    await message.keepAlive();
    await clock.advance(1e9);
    expect(clock.timers).toBe(0);
    await expect(message.ack()).resolves.toBeUndefined();
  });
});
