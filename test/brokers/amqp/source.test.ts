import { describe, expect, it } from "vitest";
import { amqpExclusiveQueue, amqpQueue } from "../../../src/brokers/amqp/index.ts";

describe("what a source promises", () => {
  it("of a queue", () => {
    expect(amqpQueue("orders")).toMatchObject({
      topic: "orders",
      capabilities: {
        settlement: "ack",
        requeue: true,
        delayedRequeue: "local",
        deliveryCount: "broker",
        order: "topic",
        groups: false,
        backlog: true,
        maxInFlight: 256,
        deadLetter: false,
        batches: true,
        seek: false,
        pause: false,
      },
    });
  });

  it("depends on what the queue is", () => {
    expect(
      amqpQueue("orders", { type: "classic", delaysMs: [5], maxInFlight: 9 }).capabilities,
    ).toMatchObject({
      deliveryCount: "none",
      delayedRequeue: "native",
      maxInFlight: 9,
    });
    const bound = amqpQueue("orders", { create: true, bindings: [{ exchange: "events" }] });
    expect(bound.capabilities).toMatchObject({ groups: true, backlog: false });
  });

  it("says whether dropped messages are set aside", () => {
    const deadLetter = { topic: "dead" };
    expect(amqpQueue("orders", { create: { deadLetter } }).capabilities.deadLetter).toBe(true);
    expect(amqpQueue("orders", { create: true, deadLetters: true }).capabilities.deadLetter).toBe(false);
    expect(amqpQueue("orders", { deadLetters: true }).capabilities.deadLetter).toBe(true);
  });

  it("of an exclusive queue", () => {
    expect(amqpExclusiveQueue("order.*", { exchange: "events" })).toMatchObject({
      topic: "order.*",
      capabilities: { groups: true, backlog: false, deliveryCount: "none", delayedRequeue: "local" },
    });
  });
});

describe("what a source refuses", () => {
  const deadLetter = { topic: "dead" };
  it.each([
    [{ maxInFlight: 0 }, "options.maxInFlight"],
    [{ maxInFlight: 65_536 }, "options.maxInFlight"],
    [{ type: "stream" as never }, "options.type"],
    [{ priority: 0.5 }, "options.priority"],
    [{ exclusive: true }, "options.exclusive"],
    [{ delaysMs: [0] }, "options.delaysMs[0]"],
    [{ delaysMs: [2 ** 32] }, "options.delaysMs[0]"],
    [{ bindings: [{ exchange: "" }] }, "options.bindings[0].exchange"],
    [{ exchanges: [{ name: "", type: "topic" }] }, "options.exchanges[0].name"],
    [{ create: { maxDeliveries: 3 } }, "options.create.maxDeliveries"],
    [{ create: { maxDeliveries: 0, deadLetter } }, "options.create.maxDeliveries"],
    [{ type: "classic" as const, create: { maxDeliveries: 3, deadLetter } }, "options.create.maxDeliveries"],
    [{ create: { maxPriority: 5 } }, "options.create.maxPriority"],
    [{ type: "classic" as const, create: { maxPriority: 256 } }, "options.create.maxPriority"],
    [{ create: { autoDelete: true } }, "options.create.autoDelete"],
    [{ create: { deadLetter, maxLength: 5, overflow: "drop-head" as const } }, "options.create.overflow"],
    [{ create: { overflow: "reject" as never } }, "options.create.overflow"],
    [{ create: { deadLetter: { topic: "" } } }, "options.create.deadLetter.topic"],
    [{ create: { maxLength: -1 } }, "options.create.maxLength"],
    [{ create: { expiresMs: 0 } }, "options.create.expiresMs"],
  ])("%j", (options, argument) => {
    expect(() => amqpQueue("orders", options)).toThrow(
      expect.objectContaining({ code: "TIDELANE_INVALID_ARGUMENT", argument }),
    );
  });

  it("a name that is none, or too long with the delay behind it", () => {
    expect(() => amqpQueue("")).toThrow(/amqpQueue\(queue\)/);
    expect(() => amqpQueue("q".repeat(255), { delaysMs: [5] })).toThrow(/at most 255 bytes/);
    expect(() => amqpExclusiveQueue("a", { exchange: "" })).toThrow(/options.exchange/);
  });
});
