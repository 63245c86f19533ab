import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { fromIterable } from "../../src/sources/from-iterable.ts";
import type { IterableItem, IterableMessage } from "../../src/sources/iterable-message.ts";
import type { IterableSubscriber } from "../../src/sources/iterable-subscriber.ts";
import { merged } from "../../src/sources/merged.ts";
import { VirtualClock } from "../../src/testing/index.ts";
import type { SubscriptionSource } from "../../src/traits/broker.ts";
import {
  DeliveryRevokedError,
  SubscriberBusyError,
  SubscriptionFailedError,
} from "../../src/traits/errors.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { outcome, ScriptedConnection, scriptedSource, texts } from "./setup/doubles.ts";

const topic = "log";

async function opened(
  items: Iterable<IterableItem> | AsyncIterable<IterableItem>,
  clock = new VirtualClock(),
): Promise<IterableSubscriber> {
  return fromIterable(items, { topic, clock }).open();
}

async function take(iterator: AsyncIterator<IterableMessage, undefined>): Promise<IterableMessage> {
  const { value } = await iterator.next();
  if (value === undefined) throw new Error("iteration is over");
  return value;
}

async function* later(items: readonly IterableItem[]): AsyncGenerator<IterableItem> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

describe("fromIterable", () => {
  it("delivers payloads and messages, in order", async () => {
    const subscriber = await opened([
      "text",
      new Uint8Array([1, 2]),
      { payload: "keyed", key: "k", headers: { "X-A": "1" } },
    ]);
    const seen: IterableMessage[] = [];
    for await (const message of subscriber) {
      seen.push(message);
      await message.ack();
    }
    expect(seen.map((message) => [message.topic, message.position, message.deliveryCount])).toEqual([
      [topic, 0, 1],
      [topic, 1, 1],
      [topic, 2, 1],
    ]);
    expect(seen[0]?.text()).toBe("text");
    expect([...(seen[1]?.payload ?? [])]).toEqual([1, 2]);
    expect([
      seen[2]?.partitionKey,
      seen[2]?.headers.get("x-a"),
      seen[2]?.headers.get("partition-key"),
    ]).toEqual(["k", "1", "k"]);
    expect(seen[0]?.partitionKey).toBeUndefined();
  });

  it("takes an item when one is asked for, and not before", async () => {
    for (const wrap of [(items: Iterable<string>) => items, asynchronous]) {
      let given = 0;
      const numbers = function* (): Generator<string> {
        for (;;) yield String(given++);
      };
      const subscriber = await opened(wrap(numbers()));
      const clock = new VirtualClock();
      await clock.flush();
      expect(given).toBe(0);
      const iterator = subscriber[Symbol.asyncIterator]();
      await iterator.next();
      await clock.flush();
      expect(given).toBe(1);
      await iterator.return();
      await clock.flush();
      expect(given).toBe(1);
    }
  });

  it("goes on where it was after break", async () => {
    for (const items of [["a", "b", "c"], later(["a", "b", "c"])]) {
      const subscriber = await opened(items);
      const seen: string[] = [];
      for await (const message of subscriber) {
        seen.push(message.text());
        await message.ack();
        break;
      }
      for await (const message of subscriber) {
        seen.push(message.text());
        await message.ack();
      }
      expect(seen).toEqual(["a", "b", "c"]);
    }
  });

  it("keeps an item that came after return() for the next iterator", async () => {
    const clock = new VirtualClock();
    let give: (item: IteratorResult<string>) => void = () => undefined;
    let asked = 0;
    const slow: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked += 1;
          return new Promise((resolve) => {
            give = resolve;
          });
        },
      }),
    };
    const subscriber = await opened(slow);
    const first = subscriber[Symbol.asyncIterator]();
    const waiting = first.next();
    await first.return();
    expect((await waiting).done).toBe(true);
    give({ done: false, value: "a" });
    await clock.flush();
    const second = subscriber[Symbol.asyncIterator]();
    expect((await take(second)).text()).toBe("a");
    expect(asked).toBe(1);

    // What comes after close() is nobody's.
    const last = second.next();
    await subscriber.close();
    give({ done: false, value: "b" });
    await clock.flush();
    expect((await last).done).toBe(true);
    expect((await subscriber[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("delivers again what is requeued, before anything new, in the order of the items", async () => {
    const subscriber = await opened(["a", "b", "c", "d"]);
    const iterator = subscriber[Symbol.asyncIterator]();
    const [a, b, c] = [await take(iterator), await take(iterator), await take(iterator)];
    await c.nack();
    await a.nack({ requeue: true });
    const again = [await take(iterator), await take(iterator), await take(iterator)];
    expect(again.map((message) => `${message.text()}${message.deliveryCount}`)).toEqual(["a2", "c2", "d1"]);
    await b.ack();
  });

  it("delivers again after the delay of nackAfter, and not before, while later items flow", async () => {
    const clock = new VirtualClock();
    const subscriber = await opened(["a", "b"], clock);
    const iterator = subscriber[Symbol.asyncIterator]();
    await (await take(iterator)).nackAfter(100);
    const b = await take(iterator);
    expect(b.text()).toBe("b");
    await b.ack();
    const next = take(iterator);
    await clock.advance(99);
    expect(await outcome(clock, next)).toBe("waiting");
    await clock.advance(1);
    const again = await next;
    expect([again.text(), again.deliveryCount]).toEqual(["a", 2]);
    const end = iterator.next();
    expect(await outcome(clock, end)).toBe("waiting");
    await again.ack();
    expect((await end).done).toBe(true);
  });

  it("ends only when every delivery is settled for good", async () => {
    const clock = new VirtualClock();
    const subscriber = await opened(["a", "b"]);
    const iterator = subscriber[Symbol.asyncIterator]();
    const [a, b] = [await take(iterator), await take(iterator)];
    const end = iterator.next();
    await a.ack();
    expect(await outcome(clock, end)).toBe("waiting");
    await b.nack({ requeue: false });
    expect(await outcome(clock, end)).toMatchObject({ value: { done: true } });
    expect((await subscriber[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("remembers every settlement", async () => {
    const clock = new VirtualClock();
    const subscriber = await opened(["a", "b", "c"], clock);
    const iterator = subscriber[Symbol.asyncIterator]();
    const [a, b, c] = [await take(iterator), await take(iterator), await take(iterator)];
    await b.nackAfter(5);
    await a.ack();
    await c.nack({ requeue: false });
    const next = take(iterator);
    await clock.advance(5);
    await (await next).nack();
    expect(subscriber.settlements).toEqual([
      { position: 1, deliveryCount: 1, settle: "nackAfter", delayMs: 5 },
      { position: 0, deliveryCount: 1, settle: "ack" },
      { position: 2, deliveryCount: 1, settle: "nack", requeue: false },
      { position: 1, deliveryCount: 2, settle: "nack", requeue: true },
    ]);
    expect(subscriber.counts).toEqual({ delivered: 4, acked: 1, dropped: 1, requeued: 2 });
  });

  it("remembers the latest of very many, and counts them all", async () => {
    const lines = Array.from({ length: 100 }, (_, index) => String(index));
    for (const [keepSettlements, expected] of [
      [7, [93, 94, 95, 96, 97, 98, 99]],
      [0, []],
    ] as const) {
      const subscriber = await fromIterable(lines, { topic, keepSettlements }).open();
      for await (const message of subscriber) await message.ack();
      expect(subscriber.settlements.map(({ position }) => position)).toEqual(expected);
      expect(subscriber.counts.acked).toBe(100);
    }
  });

  it("fails with the cause when the iterable throws, after every delivery is settled", async () => {
    const broken = new Error("disk error");
    const lines = function* (): Generator<string> {
      yield "a";
      throw broken;
    };
    for (const items of [lines(), asynchronous(lines())]) {
      const subscriber = await opened(items);
      const iterator = subscriber[Symbol.asyncIterator]();
      const a = await take(iterator);
      const next = iterator.next();
      await a.nack();
      const again = (await next).value;
      expect(again?.deliveryCount).toBe(2);
      const last = iterator.next();
      await again?.ack();
      const error = await last.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SubscriptionFailedError);
      expect(error).toMatchObject({ cause: broken, topic });
      expect(String(error)).toContain("its iterable threw at item 1");
      expect((await iterator.next()).done).toBe(true);
    }
  });

  it("fails at an item that is no message, and names it", async () => {
    const subscriber = await opened(["a", 7 as unknown as string, "c"]);
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of subscriber) {
        seen.push(message.text());
        await message.ack();
      }
    })();
    await expect(loop).rejects.toThrow("item 1 of its iterable cannot be delivered");
    expect(seen).toEqual(["a"]);
  });

  it("closes: revokes what is unsettled, cancels what is delayed, and returns the iterable", async () => {
    const clock = new VirtualClock();
    for (const wrap of [(items: Iterable<string>) => items, asynchronous]) {
      let returned = false;
      const lines = function* (): Generator<string> {
        try {
          yield* ["a", "b", "c"];
        } finally {
          returned = true;
        }
      };
      const subscriber = await opened(wrap(lines()), clock);
      const iterator = subscriber[Symbol.asyncIterator]();
      const [a, b] = [await take(iterator), await take(iterator)];
      await a.nackAfter(50);
      await Promise.all([subscriber.close(), subscriber.close()]);
      expect([clock.timers, returned]).toEqual([0, true]);
      expect((await iterator.next()).done).toBe(true);
      await expect(b.ack()).rejects.toThrow(DeliveryRevokedError);
    }
  });

  it("closes while an async iterable is being waited for", async () => {
    const clock = new VirtualClock();
    const quiet = async function* (): AsyncGenerator<string> {
      await new Promise(() => undefined);
      yield "never";
    };
    const subscriber = await opened(quiet(), clock);
    const next = subscriber[Symbol.asyncIterator]().next();
    expect(await outcome(clock, subscriber.close())).toEqual({ value: undefined });
    expect((await next).done).toBe(true);
  });

  it("cancels an async iterable that is being waited for and can be", async () => {
    const clock = new VirtualClock();
    const connection = new ScriptedConnection(clock);
    const inner = await connection.subscribe("inner");
    const subscriber = await opened(inner, clock);
    const next = subscriber[Symbol.asyncIterator]().next();
    expect(inner.waiting).toBe(1);
    await subscriber.close();
    expect((await next).done).toBe(true);
    expect([inner.waiting, inner.iterating]).toEqual([0, false]);
  });

  it("gives each subscriber an iteration of its own", async () => {
    const source = fromIterable(["a", "b"], { topic });
    const [one, two] = [await source.open(), await source.open()];
    expect(texts(one[Symbol.asyncIterator]().takeReady?.(9) ?? [])).toEqual(["a", "b"]);
    expect(texts(two[Symbol.asyncIterator]().takeReady?.(9) ?? [])).toEqual(["a", "b"]);
  });

  it("has one iterator at a time", async () => {
    const subscriber = await opened(["a"]);
    subscriber[Symbol.asyncIterator]();
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
  });

  it("refuses what is no iterable and what is no topic", () => {
    expect(() => fromIterable("abc", { topic })).toThrow("fromIterable(items) must be an iterable");
    expect(() => fromIterable(7 as unknown as string[], { topic })).toThrow("fromIterable(items) must be");
    expect(() => fromIterable([], { topic: "" })).toThrow("fromIterable({ topic }) must be");
    expect(() => fromIterable([], { topic, keepSettlements: -1 })).toThrow("keepSettlements");
  });

  it("opens on any connection, alone and in a merge", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    const replay = fromIterable(["a"], { topic });
    expectTypeOf(await connection.subscribe(replay)).toEqualTypeOf<IterableSubscriber>();
    const live = scriptedSource("live", replay.capabilities);
    const both = merged([replay, live]);
    expectTypeOf(both).toExtend<SubscriptionSource<ScriptedConnection, Subscriber>>();
    const subscriber = await connection.subscribe(both);
    expect(texts(subscriber[Symbol.asyncIterator]().takeReady?.(2) ?? [])).toEqual(["a"]);
    await subscriber.close();
  });

  it("delivers every item until it is settled for good, first deliveries in order, whatever is answered", async () => {
    const fate = fc.constantFrom("ack", "drop", "requeue", "later", "hold" as const);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.boolean(),
        fc.array(fate, { maxLength: 60 }),
        async (size, asyncItems, fates) => {
          const clock = new VirtualClock();
          const items = Array.from({ length: size }, (_, index) => String(index));
          const subscriber = await opened(asyncItems ? later(items) : items, clock);
          const iterator = subscriber[Symbol.asyncIterator]();
          const deliveries = items.map(() => 0);
          const firsts: number[] = [];
          const settled = new Set<number>();
          const held: IterableMessage[] = [];
          const settle = async (message: IterableMessage, how: string | undefined): Promise<void> => {
            if (how === "requeue") return message.nack();
            if (how === "later") return message.nackAfter(10);
            settled.add(message.position);
            return how === "drop" ? message.nack({ requeue: false }) : message.ack();
          };
          let turn = 0;
          for (;;) {
            const next = iterator.next();
            await clock.flush();
            // All that is left may wait for a delay, or be held by us.
            for (const message of held.splice(0)) await settle(message, "ack");
            await clock.advance(10);
            const result = await next;
            if (result.done) break;
            const message = result.value;
            const count = (deliveries[message.position] ?? 0) + 1;
            deliveries[message.position] = count;
            expect(settled.has(message.position)).toBe(false);
            expect([message.deliveryCount, message.text()]).toEqual([count, String(message.position)]);
            if (count === 1) firsts.push(message.position);
            const how = fates[turn++];
            if (how === "hold") held.push(message);
            else await settle(message, how);
          }
          expect(firsts).toEqual(items.map(Number));
          expect([...settled].sort((x, y) => x - y)).toEqual(items.map(Number));
          expect(subscriber.counts.acked + subscriber.counts.dropped).toBe(size);
          expect(clock.timers).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});

async function* asynchronous(items: Iterable<string>): AsyncGenerator<string> {
  yield* items;
}
