import { InvalidArgumentError, SubscriberBusyError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

async function open(...payloads: string[]) {
  const tools = await setUp();
  const subscriber = await tools.connection.subscribe("orders", { group: "g" });
  await publish(tools.connection, "orders", ...payloads);
  return { ...tools, subscriber };
}

describe("iterating", () => {
  it("takes nothing before it is asked to", async () => {
    const { connection, subscriber } = await open("a", "b", "c");
    const iterator = subscriber[Symbol.asyncIterator]();
    await iterator.next();
    const other = await connection.subscribe("orders", { group: "g" });
    expect(texts(take(other))).toEqual(["b", "c"]);
  });

  it("answers overlapping calls in their order", async () => {
    const { connection, subscriber } = await open("a");
    const iterator = subscriber[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    await publish(connection, "orders", "b", "c");
    const got = (await Promise.all(calls)).map((result) => result.value?.text());
    expect(got).toEqual(["a", "b", "c"]);
  });

  it("loses nothing by break, and goes on where it stopped", async () => {
    const { subscriber } = await open("a", "b", "c");
    const seen: string[] = [];
    for await (const message of subscriber) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 1) break;
    }
    for await (const message of subscriber) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("leaves what is in flight in flight after break", async () => {
    const { subscriber } = await open("a", "b");
    let held: { ack(): Promise<void> } | undefined;
    for await (const message of subscriber) {
      held = message;
      break;
    }
    expect(texts(take(subscriber))).toEqual(["b"]);
    await expect(held?.ack()).resolves.toBeUndefined();
  });

  it("refuses a second iterator while the first is active, of batches as well", async () => {
    const { subscriber } = await open();
    const first = subscriber[Symbol.asyncIterator]();
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    expect(() => subscriber.batches({ max: 2 })[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    await first.return();
    const second = subscriber.batches({ max: 2 })[Symbol.asyncIterator]();
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow('The subscriber of "orders"');
    await second.return?.();
    await subscriber[Symbol.asyncIterator]().return();
  });

  it("a second return() of an old iterator does not end the new one", async () => {
    const { connection, subscriber } = await open();
    const old = subscriber[Symbol.asyncIterator]();
    await old.return();
    const current = subscriber[Symbol.asyncIterator]();
    const next = current.next();
    await old.return();
    await publish(connection, "orders", "a");
    expect((await next).value?.text()).toBe("a");
  });
});

describe("return()", () => {
  it("ends every waiting next(), which takes nothing", async () => {
    const { connection, subscriber } = await open();
    const iterator = subscriber[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next()];
    await iterator.return();
    expect(await Promise.all(calls)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    await publish(connection, "orders", "a");
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(texts(take(subscriber))).toEqual(["a"]);
  });
});

describe("takeReady", () => {
  it("gives up to so many that are here, and nothing while a next() waits", async () => {
    const { connection, subscriber } = await open("a", "b", "c");
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(texts(iterator.takeReady?.(0) as [])).toEqual([]);
    expect(texts(iterator.takeReady?.(2) as [])).toEqual(["a", "b"]);
    expect(texts(iterator.takeReady?.(2) as [])).toEqual(["c"]);
    const waiting = iterator.next();
    await publish(connection, "orders", "d");
    expect(iterator.takeReady?.(2)).toEqual([]);
    expect((await waiting).value?.text()).toBe("d");
    await iterator.return();
    await publish(connection, "orders", "e");
    expect(iterator.takeReady?.(2)).toEqual([]);
  });

  it.each([-1, 1.5, Number.NaN])("refuses %s", async (max) => {
    const { subscriber } = await open();
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(() => iterator.takeReady?.(max)).toThrow(InvalidArgumentError);
  });
});

describe("pausing", () => {
  it("holds deliveries to this subscriber, and resuming lets a waiting next() have one", async () => {
    const { connection, subscriber } = await open();
    const next = subscriber[Symbol.asyncIterator]().next();
    subscriber.pause();
    expect(subscriber.paused).toBe(true);
    await publish(connection, "orders", "a");
    expect(await stateOf(next)).toBe("waiting");
    subscriber.resume();
    expect(subscriber.paused).toBe(false);
    expect((await next).value?.text()).toBe("a");
  });

  it("makes a paused subscriber take nothing, whoever asks", async () => {
    const { subscriber } = await open("a");
    subscriber.pause();
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(iterator.takeReady?.(5)).toEqual([]);
    const next = iterator.next();
    expect(await stateOf(next)).toBe("waiting");
    subscriber.resume();
    expect((await next).value?.text()).toBe("a");
  });

  it("leaves the rest of the group running, and what is held can be settled", async () => {
    const { connection, subscriber } = await open("a", "b");
    const other = await connection.subscribe("orders", { group: "g" });
    const held = takeOne(subscriber);
    subscriber.pause();
    await held.nack();
    expect(texts(take(other))).toEqual(["a", "b"]);
  });

  it("does not outlive a waiting next() that was returned", async () => {
    const { connection, subscriber } = await open();
    const iterator = subscriber[Symbol.asyncIterator]();
    const next = iterator.next();
    subscriber.pause();
    await iterator.return();
    subscriber.resume();
    await publish(connection, "orders", "a");
    expect((await next).done).toBe(true);
    expect(texts(take(subscriber))).toEqual(["a"]);
  });
});
