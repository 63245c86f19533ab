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
import type { Connection, SubscriptionSource } from "../../src/traits/broker.ts";
import { isTidelaneError, SettleUnsupportedError } from "../../src/traits/errors.ts";
import { always, messages, open, take } from "./setup/faulty.ts";

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

  it("keeps the settle open when the wrapped one refuses it", async () => {
    const { subscriber, originals } = open(2, { disconnects: always });
    const iterator = subscriber[Symbol.asyncIterator]();
    const zero = await take(iterator);
    originals[0]?.rejectNextSettle(
      new SettleUnsupportedError({ topic: "test", settle: "nackAfter", reason: "no" }),
    );
    await expect(zero.nackAfter(5)).rejects.toThrow(SettleUnsupportedError);
    expect([zero.settled, originals[0]?.settled]).toEqual([false, false]);
    // Still in flight, so the next disconnect revokes it.
    expect((await take(iterator)).text()).toBe("0");
    expect(zero.revoked).toBeDefined();
  });

  it("passes a failure on, once", async () => {
    const { subscriber, inner } = open(1, {});
    inner.fail(new Error("gone"));
    const iterator = subscriber[Symbol.asyncIterator]();
    await take(iterator);
    await expect(iterator.next()).rejects.toThrow("gone");
    expect((await iterator.next()).done).toBe(true);
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
              expect(["settled", "TIDELANE_DELIVERY_REVOKED"]).toContain(result);
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
