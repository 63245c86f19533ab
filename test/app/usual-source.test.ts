import { type Broker, MemoryBroker, type UsualSourceOptions } from "tidelane";
import { AmqpBroker } from "tidelane/amqp";
import { KafkaBroker } from "tidelane/kafka";
import { JetStreamBroker, NatsBroker } from "tidelane/nats";
import { describe, expect, it } from "vitest";

const kafka = new KafkaBroker({ brokers: "127.0.0.1:9092" });
const topicOf = (broker: Broker, topic: string, options?: UsualSourceOptions): string | undefined =>
  broker.source?.(topic, options).topic;

describe("the usual source of a broker", () => {
  it.each<[string, Broker]>([
    ["memory", new MemoryBroker()],
    ["NATS", new NatsBroker()],
    ["JetStream", new JetStreamBroker()],
    ["Kafka", kafka],
    ["RabbitMQ", new AmqpBroker()],
  ])("reads a topic on %s, and refuses what is none before anything is connected", (_name, broker) => {
    expect(topicOf(broker, "orders")).toBe("orders");
    expect(() => topicOf(broker, "")).toThrow();
  });

  it.each<[string, Broker, string]>([
    ["memory", new MemoryBroker(), "orders.*.new"],
    ["NATS", new NatsBroker(), "orders.*.new"],
    ["JetStream", new JetStreamBroker(), "orders.*.new"],
    ["Kafka", kafka, String(/^orders\.[^.]+\.new$/)],
  ])("reads a pattern, and has groups, on %s", (_name, broker, pattern) => {
    expect(topicOf(broker, "orders.*.new", { pattern: true, group: "billing" })).toBe(pattern);
    expect(broker.source?.("orders", { group: "billing" }).capabilities.groups).toBe(true);
  });

  it("takes the characters of a Kafka topic as they are", () => {
    expect(topicOf(kafka, "a+b.*", { pattern: true })).toBe(String(/^a\+b\.[^.]+$/));
  });

  it.each([
    [{ group: "billing" }, 'The group "billing" for the queue "orders" is not supported here: all consumers'],
    [{ pattern: true }, 'The pattern "orders" is not supported here: a consumer reads one queue'],
  ])("says on RabbitMQ what it has in place of %j", (options, sentence) => {
    expect(() => (new AmqpBroker() as Broker).source?.("orders", options)).toThrow(sentence);
  });
});
