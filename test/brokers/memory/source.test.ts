import { InvalidArgumentError, memoryPatternSource, memorySource, type SubscriptionSource } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, texts } from "./support.ts";

describe("a memory source", () => {
  it("opens the subscription it describes, any number of times", async () => {
    const { connection } = await setUp();
    const source = memorySource("orders", { group: "g", maxInFlight: 2 });
    const [one, two] = [await connection.subscribe(source), await connection.subscribe(source)];
    await publish(connection, "orders", "1", "2", "3");
    expect(texts(take(one))).toEqual(["1", "2"]);
    expect(take(two)).toEqual([]);
    expect(source.topic).toBe("orders");
    expect(one.capabilities).toEqual(source.capabilities);
  });

  it("says what the subscription promises", () => {
    expect(memorySource("orders").capabilities).toEqual({
      settlement: "ack",
      requeue: true,
      delayedRequeue: "native",
      deliveryCount: "broker",
      order: "topic",
      partitionKey: true,
      groups: true,
      backlog: "unread",
      maxInFlight: 1024,
      deadLetter: false,
      batches: true,
      seek: true,
      pause: true,
    });
    const options = { from: "start", ackDeadlineMs: 50, deadLetter: { topic: "dead" } } as const;
    expect(memorySource("orders", options).capabilities).toMatchObject({
      backlog: true,
      ackDeadlineMs: 50,
      deadLetter: true,
    });
  });

  it.each([
    [{ group: "g" }, true],
    [{ group: "g", from: "new" }, false],
    [{ from: "start" }, true],
    [{ from: "new" }, false],
    [{}, "unread"],
  ] as const)("says what it starts with: %j", (options, backlog) => {
    expect(memorySource("orders", options).capabilities.backlog).toBe(backlog);
    expect(memoryPatternSource("orders.*", options).capabilities.backlog).toBe(backlog);
  });

  it("over a pattern says so and cannot seek", async () => {
    const { connection } = await setUp();
    const source = memoryPatternSource("orders.*", { group: "g" });
    expect([source.topic, source.capabilities.seek]).toEqual(["orders.*", false]);
    const subscriber = await connection.subscribe(source);
    await publish(connection, "orders.eu", "1");
    expect(texts(take(subscriber))).toEqual(["1"]);
    expect(subscriber.capabilities).toEqual(source.capabilities);
  });

  it.each([
    () => memorySource(""),
    () => memorySource("orders.*"),
    () => memorySource("orders", { maxInFlight: 0 }),
    () => memoryPatternSource(""),
    () => memoryPatternSource("a.>.b"),
    () => memoryPatternSource("a.*", { ackDeadlineMs: Number.NaN }),
  ])("is refused when it is built: %s", (build) => {
    expect(build).toThrow(InvalidArgumentError);
  });

  it("of another make is opened on this connection, and its subscriber is the result", async () => {
    const { connection } = await setUp();
    const inner = memorySource("orders");
    const source: SubscriptionSource<
      typeof connection,
      { readonly wrapped: true } & Awaited<ReturnType<typeof inner.open>>
    > = {
      topic: "orders",
      capabilities: inner.capabilities,
      open: async (on) => {
        expect(on).toBe(connection);
        return Object.assign(await inner.open(on), { wrapped: true as const });
      },
    };
    expect((await connection.subscribe(source)).wrapped).toBe(true);
  });
});
