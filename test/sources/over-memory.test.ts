/** The sources over the memory broker, through the public doors. */
import {
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  memorySource,
  type Subscriber,
  type SubscriptionSource,
} from "tidelane";
import { type BufferedSubscriber, buffered, fromIterable, merged, named } from "tidelane/sources";
import { VirtualClock } from "tidelane/testing";
import { describe, expect, expectTypeOf, it } from "vitest";

async function connect(clock = new VirtualClock()): Promise<MemoryConnection> {
  return new MemoryBroker({ clock }).connect();
}

async function publish(connection: MemoryConnection, topic: string, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await connection.publisher().publish({ topic, payload });
}

describe("sources over memory", () => {
  it("merges: both topics, each in order, and leaves what is unsettled to the group", async () => {
    const connection = await connect();
    const source = merged([memorySource("a", { group: "g" }), memorySource("b", { group: "g" })]);
    expectTypeOf(source).toEqualTypeOf<SubscriptionSource<MemoryConnection, Subscriber<MemoryMessage>>>();
    const first = await connection.subscribe(source);
    await publish(connection, "a", "a0", "a1", "a2");
    await publish(connection, "b", "b0", "b1");
    const seen: string[] = [];
    for await (const message of first) {
      seen.push(message.text());
      if (seen.length === 3) break;
      await message.ack();
    }
    expect(seen).toEqual(["a0", "b0", "a1"]);
    await first.close();
    const second = await connection.subscribe(source);
    const again: string[] = [];
    for await (const message of second) {
      again.push(`${message.text()} ${message.deliveryCount}`);
      await message.ack();
      if (again.length === 3) break;
    }
    expect(again).toEqual(["a1 2", "b1 1", "a2 1"]);
    await connection.close();
    expect((await second[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("fails as one when the connection of one dies", async () => {
    const broker = new MemoryBroker({ clock: new VirtualClock() });
    const [left, right] = [await broker.connect(), await broker.connect()];
    const whole = merged([await left.subscribe("a"), await right.subscribe("b")]);
    await publish(left, "b", "b0");
    const iterator = whole[Symbol.asyncIterator]();
    const message = (await iterator.next()).value;
    const next = iterator.next();
    left.kill("the cable was cut");
    const error = await next.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "TIDELANE_SUBSCRIPTION_FAILED" });
    expect(String((error as Error).cause)).toContain("the cable was cut");
    expect(message?.revoked).toBeDefined();
    await right.close();
  });

  it("buffers by name", async () => {
    const clock = new VirtualClock();
    const connection = await connect(clock);
    const subscriber = await connection.subscribe(
      buffered(named<MemoryConnection>("a"), { max: 2, maxWaitMs: 50, clock }),
    );
    expectTypeOf(subscriber).toEqualTypeOf<BufferedSubscriber<MemoryMessage>>();
    await publish(connection, "a", "a0", "a1", "a2");
    const batches = subscriber.batches()[Symbol.asyncIterator]();
    expect((await batches.next()).value?.map((message: MemoryMessage) => message.text())).toEqual([
      "a0",
      "a1",
    ]);
    const next = batches.next();
    await clock.advance(50);
    expect((await next).value?.map((message: MemoryMessage) => message.text())).toEqual(["a2"]);
    await connection.close();
    expect((await batches.next()).done).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("replays an iterable beside a live topic", async () => {
    const connection = await connect();
    const both = await connection.subscribe(
      merged([fromIterable(["old0", "old1"], { topic: "a" }), memorySource("a")]),
    );
    expect(both.capabilities).toMatchObject({ order: "none", requeue: true, backlog: "unread" });
    await publish(connection, "a", "new0");
    const seen: string[] = [];
    for await (const message of both) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["old0", "new0", "old1"]);
    await connection.close();
  });
});
