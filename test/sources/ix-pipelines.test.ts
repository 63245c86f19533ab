/** A subscriber is an async iterable, so that pipelines of ix go over it. What they promise there, and what not. */
import { from } from "ix/asynciterable/asynciterablex";
import { filter } from "ix/asynciterable/operators/filter";
import { map } from "ix/asynciterable/operators/map";
import { take } from "ix/asynciterable/operators/take";
import { tap } from "ix/asynciterable/operators/tap";
import { toArray } from "ix/asynciterable/toarray";
import { describe, expect, expectTypeOf, it } from "vitest";
import { buffered } from "../../src/sources/buffered.ts";
import { fromIterable } from "../../src/sources/from-iterable.ts";
import { merged } from "../../src/sources/merged.ts";
import { type RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { messages, outcome } from "./setup/doubles.ts";

const ten = (): RecordingMessage[] => messages("", 10);

const kinds: [string, () => Promise<Subscriber>][] = [
  ["a scripted subscriber", async () => new ScriptedSubscriber().deliver(...ten())],
  [
    "a merge",
    async () =>
      merged([new ScriptedSubscriber().deliver(...ten()), new ScriptedSubscriber({ topic: "quiet" })]),
  ],
  ["a buffer", async () => buffered(new ScriptedSubscriber().deliver(...ten()), { max: 3 })],
  [
    "an iterable",
    () =>
      fromIterable(
        ten().map((one) => one.payload),
        { topic: "test" },
      ).open(),
  ],
];

describe.each(kinds)("ix over %s", (_, open) => {
  it("filters, maps and takes, and lets go of it then", async () => {
    const subscriber = await open();
    const odd = await toArray(
      from(subscriber).pipe(
        tap((message) => message.ack()),
        filter((message) => Number(message.text()) % 2 === 1),
        map((message) => Number(message.text()) * 10),
        take(3),
      ),
    );
    expect(odd).toEqual([10, 30, 50]);
    const iterator = subscriber[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.text()).toBe("6");
    await subscriber.close();
  });

  it("ends, while it waits, when the subscriber is closed", async () => {
    const subscriber = await open();
    const clock = new VirtualClock();
    const all = toArray(from(subscriber).pipe(map((message) => message.text())));
    expect(await outcome(clock, all)).toBe("waiting");
    await subscriber.close();
    expect(await all).toHaveLength(10);
  });
});

describe("ix over subscribers", () => {
  it("runs over batches", async () => {
    const subscriber = buffered(new ScriptedSubscriber().deliver(...messages("a", 4)).end(), { max: 3 });
    const sizes = await toArray(from(subscriber.batches()).pipe(map((batch) => batch.length)));
    expect(sizes).toEqual([3, 1]);
  });

  it("passes a failure on", async () => {
    const subscriber = new ScriptedSubscriber().deliver(...messages("a", 1)).fail(new Error("gone"));
    await expect(toArray(from(subscriber).pipe(map((message) => message.text())))).rejects.toThrow("gone");
  });

  it("makes the items of an iterable source", async () => {
    const rows = from([
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ]);
    const items = rows.pipe(map((row) => ({ payload: JSON.stringify(row), key: String(row.id) })));
    const subscriber = await fromIterable(items, { topic: "rows" }).open();
    const keys: (string | undefined)[] = [];
    for await (const message of subscriber) {
      keys.push(message.partitionKey);
      await message.ack();
    }
    expect(keys).toEqual(["1", "2"]);
  });

  it("keeps the type of the message", () => {
    expectTypeOf(from(new ScriptedSubscriber()).pipe(map((message) => message))).toExtend<
      AsyncIterable<RecordingMessage>
    >();
    expect(from(new ScriptedSubscriber())).toBeDefined();
  });
});
