import { describe, expect, it } from "vitest";
import { DeliveryRevokedError } from "../../src/traits/errors.ts";
import { always, open, take } from "./setup/faulty.ts";

describe("delays, losses and stalls of faulty", () => {
  it("delays a message and those behind it, in order", async () => {
    const { clock, subscriber } = open(4, { delays: { rate: 1, maxMs: 100 } });
    const seen: [string, number][] = [];
    const loop = (async () => {
      for await (const message of subscriber) seen.push([message.text(), clock.now()]);
    })();
    await clock.advance(400);
    expect(seen.map(([text]) => text)).toEqual(["0", "1", "2", "3"]);
    const delays = subscriber.faults.map(({ ms }) => ms ?? 0);
    let at = 0;
    for (const [index, delay] of delays.entries()) {
      at += delay;
      expect(seen[index]?.[1]).toBeCloseTo(at, 6);
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThan(100);
    }
    await subscriber.close();
    await loop;
  });

  it("revokes what is not settled when it disconnects, and delivers it again first", async () => {
    const { subscriber, originals } = open(3, { disconnects: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    const { signal } = zero;
    const one = await take(iterator);
    // Message 1 broke the connection, so what came is message 0 again.
    expect([one.text(), one.deliveryCount]).toEqual(["0", 2]);
    expect(signal.aborted).toBe(true);
    await expect(zero.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(originals[0]?.settled).toBe(false);
    await one.ack();
    expect((await take(iterator)).text()).toBe("1");
    expect(subscriber.faults.map(({ fault, message, revoked }) => [fault, message, revoked])).toEqual([
      ["disconnect", 0, 0],
      ["disconnect", 1, 1],
    ]);
  });

  it("delivers again in order, however many were in flight", async () => {
    const { subscriber } = open(30, { disconnects: { rate: 0.2 } });
    const seen: number[] = [];
    const iterator = subscriber[Symbol.asyncIterator]();
    while (seen.at(-1) !== 29) seen.push(Number((await take(iterator)).text()));
    const broke = new Set(subscriber.faults.map(({ message }) => message));
    const expected = Array.from({ length: 30 }, (_, number) =>
      broke.has(number) ? [...Array(number).keys(), number] : [number],
    );
    expect(seen).toEqual(expected.flat());
    expect(broke.size).toBeGreaterThan(2);
  });

  it("does not revoke a delivery whose settle was sent", async () => {
    const { subscriber, originals } = open(2, { disconnects: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    const acked = zero.ack();
    expect((await take(iterator)).text()).toBe("1");
    await acked;
    expect(originals[0]?.settlements).toEqual([{ settle: "ack" }]);
  });

  it("stalls: nothing is delivered and settles wait", async () => {
    const { clock, subscriber, originals } = open(2, { stalls: { rate: 1, ms: 100 } });
    const iterator = subscriber[Symbol.asyncIterator]();
    const first = take(iterator);
    await clock.advance(99);
    expect(subscriber.faults).toHaveLength(1);
    await clock.advance(1);
    const zero = await first;
    const second = take(iterator);
    await clock.flush();
    const acked = zero.ack().then(() => clock.now());
    await clock.advance(99);
    expect(originals[0]?.settled).toBe(false);
    await clock.advance(1);
    expect(await acked).toBe(200);
    expect((await second).text()).toBe("1");
  });

  it("stalls what comes again, too", async () => {
    const { clock, subscriber } = open(2, {
      stalls: { rate: 1, ms: 100 },
      duplicates: { rate: 1, withinMs: 10 },
    });
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of subscriber)
        seen.push(`${message.text()} ${message.duplicate} ${clock.now()}`);
    })();
    await clock.advance(300);
    // The copy of 0 came within 10 ms of it, into the stall of 1.
    expect(seen.slice(0, 2)).toEqual(["0 false 100", "0 true 200"]);
    await subscriber.close();
    await loop;
  });

  it("does not hand out what was revoked while it was delayed", async () => {
    const { clock, subscriber, originals } = open(2, { delays: { rate: 1, maxMs: 100 } });
    const first = subscriber[Symbol.asyncIterator]();
    const waiting = first.next();
    await clock.flush();
    await first.return();
    await waiting;
    await clock.advance(100);
    originals[0]?.revoke();
    const next = take(subscriber[Symbol.asyncIterator]());
    await clock.advance(100);
    expect((await next).text()).toBe("1");
  });

  it("revokes what is revoked underneath", async () => {
    const { subscriber, originals, inner } = open(2, {});
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    originals[0]?.revoke("its partition was revoked");
    await expect(zero.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(zero.revoked?.cause).toBe(originals[0]?.revoked);
    await inner.close();
    expect((await iterator.next()).done).toBe(true);
  });

  it("closes in the middle of a stall, with nothing left", async () => {
    const { clock, subscriber, inner } = open(3, {
      stalls: { rate: 1, ms: 100 },
      duplicates: { rate: 1, withinMs: 50 },
    });
    const iterator = subscriber[Symbol.asyncIterator]();
    const first = take(iterator);
    await clock.advance(100);
    const zero = await first;
    const second = take(iterator);
    await clock.advance(100);
    const copy = await second;
    expect(copy.duplicate).toBe(true);
    const next = Promise.all([iterator.next(), iterator.next()]);
    await clock.flush();
    const acked = [zero, copy].map((message) => message.ack().catch((error: unknown) => error));
    await Promise.all([subscriber.close(), subscriber.close()]);
    expect((await next).at(-1)?.done).toBe(true);
    for (const answer of acked) expect(await answer).toBeInstanceOf(DeliveryRevokedError);
    expect([clock.timers, inner.closed]).toEqual([0, true]);
    await clock.flush();
    expect((await subscriber[Symbol.asyncIterator]().next()).done).toBe(true);
  });
});
