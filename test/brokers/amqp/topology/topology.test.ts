import { describe, expect, it } from "vitest";
import { queueArguments } from "../../../../src/brokers/amqp/topology/topology.ts";

const three = { product: "RabbitMQ", version: "3.10.8", major: 3 };
const four = { product: "RabbitMQ", version: "4.1.2", major: 4 };
const other = { product: "LavinMQ", version: "4.0.0", major: 4 };

describe("the arguments of a queue", () => {
  it("make it a quorum queue without a limit of deliveries, which each version is told in its way", () => {
    expect(queueArguments("quorum", {}, three)).toEqual({ "x-queue-type": "quorum" });
    expect(queueArguments("quorum", {}, four)).toEqual({ "x-queue-type": "quorum", "x-delivery-limit": -1 });
    expect(queueArguments("quorum", {}, other)).toEqual({ "x-queue-type": "quorum" });
    expect(queueArguments("quorum", { maxDeliveries: "server" }, four)).toEqual({ "x-queue-type": "quorum" });
    expect(queueArguments("classic", {}, four)).toEqual({ "x-queue-type": "classic" });
  });

  it("count redeliveries, where we count deliveries", () => {
    const queue = { maxDeliveries: 3, deadLetter: { topic: "dead" } };
    for (const server of [three, four]) {
      expect(queueArguments("quorum", queue, server)).toMatchObject({ "x-delivery-limit": 2 });
    }
  });

  it("keep dead letters until their queue has them, as far as the kind of queue can", () => {
    const deadLetter = { topic: "dead", exchange: "x" };
    const name = { "x-dead-letter-exchange": "x", "x-dead-letter-routing-key": "dead" };
    expect(queueArguments("quorum", { deadLetter }, three)).toEqual({
      "x-queue-type": "quorum",
      ...name,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    });
    expect(queueArguments("quorum", { deadLetter: { ...deadLetter, atLeastOnce: false } }, three)).toEqual({
      "x-queue-type": "quorum",
      ...name,
    });
    expect(queueArguments("classic", { deadLetter }, three)).toEqual({ "x-queue-type": "classic", ...name });
  });

  it("refuse what does not fit, rather than drop what is there", () => {
    expect(queueArguments("quorum", { maxLength: 5 }, three)).toMatchObject({
      "x-overflow": "reject-publish",
    });
    expect(queueArguments("quorum", { maxBytes: 5, overflow: "drop-head" }, three)).toMatchObject({
      "x-max-length-bytes": 5,
      "x-overflow": "drop-head",
    });
  });

  it("say everything else by its name, and what is given by hand last", () => {
    const queue = {
      singleActiveConsumer: true,
      messageTtlMs: 1,
      expiresMs: 2,
      maxPriority: 3,
      arguments: { "x-expires": 9, "x-mine": "y" },
    };
    expect(queueArguments("classic", queue, three)).toEqual({
      "x-queue-type": "classic",
      "x-single-active-consumer": true,
      "x-message-ttl": 1,
      "x-expires": 9,
      "x-max-priority": 3,
      "x-mine": "y",
    });
  });
});
