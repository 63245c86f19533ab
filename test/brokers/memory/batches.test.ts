import { InvalidArgumentError, type MemoryMessage } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

async function open(...payloads: string[]) {
  const tools = await setUp();
  const subscriber = await tools.connection.subscribe("orders", { group: "g", maxInFlight: 8 });
  await publish(tools.connection, "orders", ...payloads);
  return { ...tools, subscriber };
}

const textsOf = (result: IteratorResult<MemoryMessage[]>): string[] => texts(result.value ?? []);

describe("batches", () => {
  it("close at once when they are full", async () => {
    const { clock, subscriber } = await open("a", "b", "c");
    const iterator = subscriber.batches({ max: 2 })[Symbol.asyncIterator]();
    expect(textsOf(await iterator.next())).toEqual(["a", "b"]);
    const second = iterator.next();
    expect(await stateOf(second)).toBe("waiting");
    await clock.advance(10);
    expect(textsOf(await second)).toEqual(["c"]);
    expect(clock.timers).toBe(0);
  });

  it("close maxWaitMs after their first delivery, not after the call", async () => {
    const { clock, connection, subscriber } = await open();
    const next = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]().next();
    await clock.advance(1000);
    expect(await stateOf(next)).toBe("waiting");
    await publish(connection, "orders", "a");
    await clock.advance(19);
    await publish(connection, "orders", "b");
    expect(await stateOf(next)).toBe("waiting");
    await clock.advance(1);
    expect(textsOf(await next)).toEqual(["a", "b"]);
  });

  it("take nothing between two calls", async () => {
    const { clock, connection, subscriber } = await open("a");
    const other = await connection.subscribe("orders", { group: "g" });
    const iterator = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const first = iterator.next();
    await clock.advance(20);
    expect(textsOf(await first)).toEqual(["a"]);
    await publish(connection, "orders", "b");
    expect(texts(take(other))).toEqual(["b"]);
  });

  it("fill up while they wait, and close when full before the time is over", async () => {
    const { clock, connection, subscriber } = await open("a");
    const next = subscriber.batches({ max: 3, maxWaitMs: 20 })[Symbol.asyncIterator]().next();
    await publish(connection, "orders", "b", "c", "d");
    expect(textsOf(await next)).toEqual(["a", "b", "c"]);
    expect(clock.timers).toBe(0);
    await clock.flush();
  });

  it("with maxWaitMs 0 take what is there, at least one", async () => {
    const { connection, subscriber } = await open("a", "b");
    const iterator = subscriber.batches({ max: 5, maxWaitMs: 0 })[Symbol.asyncIterator]();
    expect(textsOf(await iterator.next())).toEqual(["a", "b"]);
    const next = iterator.next();
    expect(await stateOf(next)).toBe("waiting");
    await publish(connection, "orders", "c", "d");
    expect(textsOf(await next)).toEqual(["c"]);
    expect(textsOf(await iterator.next())).toEqual(["d"]);
  });

  it("answer overlapping calls in order", async () => {
    const { clock, connection, subscriber } = await open("a");
    const iterator = subscriber.batches({ max: 2, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    await publish(connection, "orders", "b", "c", "d", "e");
    await clock.advance(20);
    expect((await Promise.all(calls)).map(textsOf)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("stay within maxInFlight, and their elements are settled one by one", async () => {
    const { clock, connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { group: "g", maxInFlight: 2 });
    await publish(connection, "orders", "a", "b", "c");
    const iterator = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const first = iterator.next();
    await clock.advance(20);
    const { value: batch } = await first;
    expect(texts(batch ?? [])).toEqual(["a", "b"]);
    const second = iterator.next();
    await clock.advance(100);
    expect(await stateOf(second)).toBe("waiting");
    await batch?.[1]?.ack();
    await clock.advance(20);
    expect(textsOf(await second)).toEqual(["c"]);
    await batch?.[0]?.nack();
    const third = iterator.next();
    await clock.advance(20);
    expect(textsOf(await third)).toEqual(["a"]);
  });

  it("that nobody has seen when the loop ends go back uncounted, and wait for nobody", async () => {
    const { clock, connection, subscriber } = await open("a");
    const other = await connection.subscribe("orders", { group: "g" });
    const iterator = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const next = iterator.next();
    await publish(connection, "orders", "b");
    expect(take(other)).toEqual([]);
    await iterator.return?.();
    expect((await next).done).toBe(true);
    expect(clock.timers).toBe(0);
    const messages = take(other);
    expect(texts(messages)).toEqual(["a", "b"]);
    expect(messages.map((message) => message.deliveryCount)).toEqual([1, 1]);
    expect((await iterator.next()).done).toBe(true);
  });

  it.each(["close", "kill"] as const)("that form go back uncounted on %s", async (how) => {
    const { broker, clock, connection, subscriber } = await open("a");
    const next = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]().next();
    const outcome = next.catch((error: { code: string }) => error.code);
    if (how === "close") await subscriber.close();
    else connection.kill();
    const expected = how === "close" ? { value: undefined, done: true } : "TIDELANE_SUBSCRIPTION_FAILED";
    expect(await outcome).toEqual(expected);
    expect(clock.timers).toBe(0);
    const second = await (await broker.connect()).subscribe("orders", { group: "g" });
    expect(takeOne(second).deliveryCount).toBe(1);
  });

  it("leave out what a seek took from them, and wait on when nothing is left", async () => {
    const { clock, connection, subscriber } = await open("a");
    const next = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]().next();
    await subscriber.seek("end");
    await clock.advance(20);
    expect(await stateOf(next)).toBe("waiting");
    await publish(connection, "orders", "b");
    await clock.advance(20);
    expect(textsOf(await next)).toEqual(["b"]);
  });

  it("do not give back what a seek took from them already", async () => {
    const { connection } = await setUp({ topics: { log: { retain: true } } });
    const subscriber = await connection.subscribe("log");
    await publish(connection, "log", "a", "b");
    const iterator = subscriber.batches({ max: 5, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const next = iterator.next();
    await subscriber.seek("start");
    await iterator.return?.();
    expect((await next).done).toBe(true);
    expect(texts(take(subscriber))).toEqual(["a", "b"]);
  });

  it("start the ack deadline when they are handed out", async () => {
    const { clock, connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { ackDeadlineMs: 100 });
    await publish(connection, "orders", "a");
    const next = subscriber.batches({ max: 5, maxWaitMs: 60 })[Symbol.asyncIterator]().next();
    await clock.advance(60);
    const [message] = (await next).value ?? [];
    await clock.advance(99);
    expect(message?.revoked).toBeUndefined();
    await clock.advance(1);
    expect(message?.revoked).toBeDefined();
  });

  it("end with a plain loop's break and go on in the next loop", async () => {
    const { subscriber } = await open("a", "b", "c", "d");
    const seen: string[][] = [];
    for await (const batch of subscriber.batches({ max: 2 })) {
      seen.push(texts(batch));
      break;
    }
    for await (const batch of subscriber.batches({ max: 2 })) {
      seen.push(texts(batch));
      break;
    }
    expect(seen).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it.each([
    [{ max: 0 }, "options.max"],
    [{ max: 1.5 }, "options.max"],
    [{ max: Number.NaN }, "options.max"],
    [{ max: 2, maxWaitMs: -1 }, "options.maxWaitMs"],
    [{ max: 2, maxWaitMs: Number.NaN }, "options.maxWaitMs"],
  ])("refuse %j", async (options, argument) => {
    const { subscriber } = await open();
    expect(() => subscriber.batches(options)).toThrow(InvalidArgumentError);
    expect(() => subscriber.batches(options)).toThrow(argument);
  });

  it("refuse to wait as long as the ack deadline", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribe("orders", { ackDeadlineMs: 100 });
    expect(() => subscriber.batches({ max: 2, maxWaitMs: 100 })).toThrow(
      /less than the ack deadline of 100 ms/,
    );
  });
});
