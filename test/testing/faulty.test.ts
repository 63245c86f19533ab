import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { IterableMessage } from "../../src/sources/index.ts";
import { fromIterable } from "../../src/sources/index.ts";
import {
  type FaultOptions,
  type FaultyMessage,
  type FaultySubscriber,
  faulty,
  RecordingMessage,
  ScriptedSubscriber,
  VirtualClock,
} from "../../src/testing/index.ts";
import type { Connection } from "../../src/traits/broker.ts";
import { DeliveryLostError, isTidelaneError, SettleUnsupportedError } from "../../src/traits/errors.ts";
import type { SubscriptionSource } from "../../src/traits/source.ts";

const always = { rate: 1 };

function messages(count: number): RecordingMessage[] {
  return Array.from({ length: count }, (_, index) => new RecordingMessage({ payload: String(index) }));
}

function open(
  count: number,
  options: Omit<FaultOptions, "seed">,
): {
  clock: VirtualClock;
  inner: ScriptedSubscriber;
  subscriber: FaultySubscriber<RecordingMessage>;
  originals: RecordingMessage[];
} {
  const clock = new VirtualClock();
  const originals = messages(count);
  const inner = new ScriptedSubscriber({ clock }).deliver(...originals);
  return { clock, inner, originals, subscriber: faulty(inner, { seed: 1, clock, ...options }) };
}

async function take<T>(iterator: AsyncIterator<T, undefined>): Promise<T> {
  const { value } = await iterator.next();
  if (value === undefined) throw new Error("iteration is over");
  return value;
}

describe("faulty", () => {
  it("changes nothing without a fault", async () => {
    const { subscriber, originals, inner } = open(3, {});
    inner.end();
    const seen: FaultyMessage<RecordingMessage>[] = [];
    for await (const message of subscriber) {
      seen.push(message);
      await message.ack();
    }
    expect(seen.map((message) => message.original)).toEqual(originals);
    expect(originals.map(({ settlements }) => settlements)).toEqual(originals.map(() => [{ settle: "ack" }]));
    expect(subscriber.faults).toEqual([]);
  });

  it("shows the message it wraps, and passes each settle on", async () => {
    const clock = new VirtualClock();
    const original = new RecordingMessage({
      topic: "orders",
      payload: "p",
      headers: { a: "1" },
      partitionKey: "k",
      deliveryCount: 4,
    });
    const inner = new ScriptedSubscriber({ clock }).deliver(original, ...messages(2));
    const iterator = faulty(inner, { seed: 1, clock })[Symbol.asyncIterator]();
    const message = await take(iterator);
    expect([message.topic, message.text(), message.headers.get("a"), message.partitionKey]).toEqual([
      "orders",
      "p",
      "1",
      "k",
    ]);
    expect([message.deliveryCount, message.duplicate]).toEqual([4, false]);
    await message.keepAlive();
    await message.nackAfter(30);
    expect([original.keepAlives, original.settlements]).toEqual([1, [{ settle: "nackAfter", delayMs: 30 }]]);
    await (await take(iterator)).nack();
    await (await take(iterator)).nack({ requeue: false });
    expect(inner.pulled.slice(1).map(({ settlements }) => settlements)).toEqual([
      [{ settle: "nack", requeue: true }],
      [{ settle: "nack", requeue: false }],
    ]);
  });

  it("delivers duplicates, each with a settle of its own", async () => {
    const { subscriber, originals } = open(1, { duplicates: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const [first, second] = [await take(iterator), await take(iterator)];
    expect([first.duplicate, second.duplicate]).toEqual([false, true]);
    expect([first.text(), second.text()]).toEqual(["0", "0"]);
    expect([first.deliveryCount, second.deliveryCount]).toEqual([1, 2]);
    await second.ack();
    expect(originals[0]?.settled).toBe(false);
    await first.ack();
    expect(originals[0]?.settlements).toEqual([{ settle: "ack" }]);
    expect(subscriber.faults).toEqual([{ fault: "duplicate", message: 0, at: 0, ms: 0 }]);
  });

  it("honours the requeue of a duplicate, at once and after a delay, and does not end before", async () => {
    const { clock, subscriber, originals, inner } = open(1, { duplicates: always });
    inner.end();
    const iterator = subscriber[Symbol.asyncIterator]();
    await (await take(iterator)).ack();
    await (await take(iterator)).nack();
    const again = await take(iterator);
    expect([again.duplicate, again.deliveryCount]).toEqual([true, 3]);
    await again.nackAfter(40);
    const next = take(iterator);
    await clock.advance(40);
    const last = await next;
    expect([last.deliveryCount, clock.now()]).toEqual([4, 40]);
    const seen: string[] = [];
    const end = iterator.next().then((result) => {
      seen.push("answered");
      return result;
    });
    await clock.flush();
    expect(seen).toEqual([]);
    await last.ack();
    expect((await end).done).toBe(true);
    expect(originals[0]?.settlements).toEqual([{ settle: "ack" }]);
  });

  it("does not honour the requeue of a duplicate where the wrapped one would not", async () => {
    const inner = new ScriptedSubscriber({ capabilities: { requeue: false } }).deliver(...messages(1));
    const subscriber = faulty(inner, { seed: 1, clock: new VirtualClock(), duplicates: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const [first, copy] = [await take(iterator), await take(iterator)];
    for (const message of [first, copy]) {
      await expect(message.nack()).rejects.toThrow(SettleUnsupportedError);
      await expect(message.nackAfter(5)).rejects.toThrow(SettleUnsupportedError);
      await message.ack();
    }
    expect(first.original.settlements).toEqual([{ settle: "ack" }]);
  });

  it("brings duplicates late when told to", async () => {
    const { clock, subscriber } = open(3, { duplicates: { rate: 1, withinMs: 100 } });
    const iterator = subscriber[Symbol.asyncIterator]();
    const originals = [await take(iterator), await take(iterator), await take(iterator)];
    expect(originals.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    const copies = Promise.all([take(iterator), take(iterator), take(iterator)]);
    await clock.advance(100);
    const expected = [...subscriber.faults].sort((a, b) => (a.ms ?? 0) - (b.ms ?? 0));
    expect((await copies).map((copy) => Number(copy.text()))).toEqual(expected.map((fault) => fault.message));
    expect(new Set(expected.map(({ ms }) => ms)).size).toBe(3);
  });

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

  it("loses what is not settled when it disconnects, and delivers it again first", async () => {
    const { subscriber, originals } = open(3, { disconnects: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    const { signal } = zero;
    const one = await take(iterator);
    // Message 1 broke the connection, so what came is message 0 again.
    expect([one.text(), one.deliveryCount]).toEqual(["0", 2]);
    expect(signal.aborted).toBe(true);
    await expect(zero.ack()).rejects.toThrow(DeliveryLostError);
    expect(originals[0]?.settled).toBe(false);
    await one.ack();
    expect((await take(iterator)).text()).toBe("1");
    expect(subscriber.faults.map(({ fault, message, lost }) => [fault, message, lost])).toEqual([
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

  it("does not lose a delivery whose settle was sent", async () => {
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

  it("does not hand out what was lost while it was delayed", async () => {
    const { clock, subscriber, originals } = open(2, { delays: { rate: 1, maxMs: 100 } });
    const first = subscriber[Symbol.asyncIterator]();
    const waiting = first.next();
    await clock.flush();
    await first.return();
    await waiting;
    await clock.advance(100);
    originals[0]?.lose();
    const next = take(subscriber[Symbol.asyncIterator]());
    await clock.advance(100);
    expect((await next).text()).toBe("1");
  });

  it("loses what is lost underneath", async () => {
    const { subscriber, originals, inner } = open(2, {});
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    originals[0]?.lose("its partition was revoked");
    await expect(zero.ack()).rejects.toThrow(DeliveryLostError);
    expect(zero.lost?.cause).toBe(originals[0]?.lost);
    await inner.close();
    expect((await iterator.next()).done).toBe(true);
  });

  it("keeps the settle open when the wrapped one refuses it", async () => {
    const { subscriber, originals } = open(2, { disconnects: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    originals[0]?.rejectNextSettle(
      new SettleUnsupportedError({ topic: "test", settle: "nackAfter", reason: "no" }),
    );
    await expect(zero.nackAfter(5)).rejects.toThrow(SettleUnsupportedError);
    expect([zero.settled, originals[0]?.settled]).toEqual([false, false]);
    // Still in flight, so the next disconnect loses it.
    expect((await take(iterator)).text()).toBe("0");
    expect(zero.lost).toBeDefined();
  });

  it("passes a failure on, once", async () => {
    const { subscriber, inner } = open(1, {});
    inner.fail(new Error("gone"));
    const iterator = subscriber[Symbol.asyncIterator]();
    await take(iterator);
    await expect(iterator.next()).rejects.toThrow("gone");
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
    for (const answer of acked) expect(await answer).toBeInstanceOf(DeliveryLostError);
    expect([clock.timers, inner.closed]).toEqual([0, true]);
    await clock.flush();
    expect((await subscriber[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("keeps for the next iterator what was under way at return()", async () => {
    const { clock, subscriber, inner } = open(2, { delays: { rate: 1, maxMs: 100 } });
    const first = subscriber[Symbol.asyncIterator]();
    const waiting = first.next();
    await clock.flush();
    await first.return();
    expect((await waiting).done).toBe(true);
    expect(inner.iterating).toBe(false);
    await clock.advance(100);
    expect(inner.pulled).toHaveLength(1);
    const second = subscriber[Symbol.asyncIterator]();
    expect(second.takeReady?.(5).map((message) => message.text())).toEqual(["0"]);
  });

  it("draws each fault from the seed and the message alone", async () => {
    const run = async (options: Omit<FaultOptions, "clock">): Promise<string[]> => {
      const clock = new VirtualClock();
      const subscriber = faulty(new ScriptedSubscriber({ clock }).deliver(...messages(40)).end(), {
        ...options,
        clock,
      });
      const loop = (async () => {
        for await (const message of subscriber) await message.ack();
      })();
      while (await clock.advanceToNext()) {}
      await loop;
      return subscriber.faults.map(({ fault, message, ms }) => `${fault} ${message} ${ms ?? ""}`);
    };
    const duplicates = { rate: 0.3, withinMs: 10 };
    const delays = { rate: 0.3, maxMs: 10 };
    const both = await run({ seed: 7, duplicates, delays });
    expect(await run({ seed: 7, duplicates, delays })).toEqual(both);
    expect(await run({ seed: 8, duplicates, delays })).not.toEqual(both);
    const only = (fault: string): string[] => both.filter((line) => line.startsWith(fault));
    expect(await run({ seed: 7, delays })).toEqual(only("delay"));
    expect(await run({ seed: 7, duplicates })).toEqual(only("duplicate"));
    expect(only("delay").length).toBeGreaterThan(3);
    expect(only("delay").length).toBeLessThan(25);
  });

  it("refuses rates and times that are none", () => {
    const inner = new ScriptedSubscriber();
    expect(() => faulty(inner, { seed: 0.5 })).toThrow("faulty({ seed }) must be");
    expect(() => faulty(inner, { seed: 1, delays: { rate: 2, maxMs: 1 } })).toThrow(
      "faulty({ delays.rate }) must be a number from 0 to 1; received 2",
    );
    expect(() => faulty(inner, { seed: 1, stalls: { rate: 1, ms: -1 } })).toThrow("faulty({ stalls.ms })");
  });

  it("wraps sources, with their types", async () => {
    const source = faulty(fromIterable(["a"], { topic: "log" }), { seed: 1, duplicates: always });
    expectTypeOf(source).toExtend<SubscriptionSource<Connection, FaultySubscriber<IterableMessage>>>();
    expectTypeOf(faulty(new ScriptedSubscriber(), { seed: 1 })).toEqualTypeOf<
      FaultySubscriber<RecordingMessage>
    >();
    expect([source.topic, source.capabilities.maxInFlight]).toEqual(["log", Number.POSITIVE_INFINITY]);
    expect(
      faulty(new ScriptedSubscriber({ capabilities: { maxInFlight: 3 } }), { seed: 1 }).capabilities,
    ).toMatchObject({
      maxInFlight: 3,
      batches: false,
    });
  });

  it("costs code that is right nothing: every message is settled once, first deliveries in order", async () => {
    const rate = fc.constantFrom(0, 0.2, 0.5, 1);
    const options = fc.record({
      seed: fc.integer(),
      duplicates: fc.record({ rate, withinMs: fc.nat(30) }),
      delays: fc.record({ rate, maxMs: fc.nat(20) }),
      disconnects: fc.record({ rate }),
      stalls: fc.record({ rate, ms: fc.nat(20) }),
    });
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.nat(15),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(25),
        async (faults, count, room, workMs) => {
          const history = async (): Promise<string[]> => {
            const clock = new VirtualClock();
            const items = Array.from({ length: count }, (_, index) => String(index));
            const inner = await fromIterable(items, { topic: "log", clock }).open();
            const subscriber = faulty(inner, { ...faults, clock });
            const lines: string[] = [];
            const firsts: number[] = [];
            const running = new Set<Promise<void>>();
            const handle = async (message: FaultyMessage<IterableMessage>): Promise<void> => {
              if (workMs > 0) await new Promise<void>((resolve) => void clock.schedule(workMs, resolve));
              const answer =
                message.duplicate && (message.deliveryCount ?? 0) < 4 ? message.nack() : message.ack();
              const result = await answer.then(
                () => "settled",
                (error: unknown) => (isTidelaneError(error) ? error.code : "unexpected"),
              );
              lines.push(`${clock.now()} ${result} ${message.text()}`);
              expect(["settled", "TIDELANE_DELIVERY_LOST"]).toContain(result);
            };
            const loop = (async () => {
              for await (const message of subscriber) {
                lines.push(
                  `${clock.now()} got ${message.text()} ${message.deliveryCount} ${message.duplicate}`,
                );
                if (!message.duplicate && !firsts.includes(message.original.position))
                  firsts.push(message.original.position);
                const work: Promise<void> = handle(message).finally(() => running.delete(work));
                running.add(work);
                if (running.size >= room) await Promise.race(running);
              }
              await Promise.all(running);
            })();
            while (await clock.advanceToNext()) {}
            await loop;
            expect(firsts).toEqual(items.map(Number));
            expect(inner.counts).toMatchObject({ delivered: count, acked: count });
            expect(clock.timers).toBe(0);
            return lines;
          };
          expect(await history()).toEqual(await history());
        },
      ),
      { numRuns: 60 },
    );
  });
});
