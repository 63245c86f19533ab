import { describe, expect, it } from "vitest";
import type { AmqpTable, ClientChannel } from "../../../../src/brokers/amqp/client.ts";
import { UnackedDeliveries } from "../../../../src/brokers/amqp/consumer/unacked-deliveries.ts";
import { AmqpMessage } from "../../../../src/brokers/amqp/message/message.ts";
import { VirtualClock } from "../../../../src/testing/index.ts";

/** As a quorum queue delivers it. */
function message(headers: AmqpTable, redelivered = false): AmqpMessage {
  const from = {
    content: Buffer.from("a"),
    fields: { deliveryTag: 1, redelivered, exchange: "", routingKey: "orders" },
    properties: { headers },
  };
  const settlements = new UnackedDeliveries({} as ClientChannel, new VirtualClock());
  return new AmqpMessage(from, settlements, { counts: true, delay: undefined });
}

describe("the delivery count", () => {
  it("is what the queue says from the second delivery on, of this copy alone", () => {
    expect(message({}).deliveryCount).toBe(1);
    expect(message({ "x-delivery-count": 3 }, true).deliveryCount).toBe(4);
    expect(message({ "x-ruststream-retry-count": "2" }).deliveryCount).toBe(1);
    expect(message({ "x-delivery-count": 1, "x-ruststream-retry-count": "2" }, true).deliveryCount).toBe(2);
  });

  it("is not what somebody has published under that name", () => {
    expect(message({ "x-delivery-count": 289_787_253 }).deliveryCount).toBe(1);
    expect(message({ "x-delivery-count": "many" }).deliveryCount).toBe(1);
    expect(message({ "x-delivery-count": "many" }, true).deliveryCount).toBeUndefined();
  });
});

describe("the topic and the key", () => {
  it("are read from whatever was sent", () => {
    const waited = { queue: "orders.delay.1000", reason: "expired" };
    const copy = { "x-tidelane-delayed-topic": "order.placed", "x-death": [waited] };
    const delayed = message({ ...copy, "partition-key": "k" });
    expect(delayed).toMatchObject({ topic: "order.placed", partitionKey: "k" });
    const led = message({
      ...copy,
      "x-death": [
        { queue: "mails", reason: "rejected" },
        { ...waited, queue: "mails.delay.1" },
      ],
    });
    expect(led.topic).toBe("orders");
    const odd = message({ "x-tidelane-delayed-topic": 5, "partition-key": 7 });
    expect(odd).toMatchObject({ topic: "orders", partitionKey: "7" });
  });
});
