import { describe, expect, it } from "vitest";
import { faulty, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { SettleUnsupportedError } from "../../src/traits/errors.ts";
import { always, messages, open, take } from "./setup/faulty.ts";

describe("duplicates of faulty", () => {
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
});
