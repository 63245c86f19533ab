import { expect, it, onTestFinished, vi } from "vitest";
import { Outages } from "../../../../src/brokers/kafka/connection/outages.ts";
import { Bench, heard } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

const gone = new FakeKafkaError("connect ECONNREFUSED a:1", { name: "KafkaJSConnectionError" });

/** The process warnings from now on. */
function warnings(): string[] {
  const told: string[] = [];
  const spy = vi.spyOn(process, "emitWarning").mockImplementation((warning) => {
    told.push(String(warning));
  });
  onTestFinished(() => spy.mockRestore());
  return told;
}

it("a connection of several parts is lost once and restored once, when the last part is back", () => {
  const told = warnings();
  const outages = new Outages("kafka");
  const [consumer, producer] = [{}, {}];
  outages.restored(consumer, 0);
  outages.lost(consumer, 1, gone);
  outages.lost(producer, 1, gone);
  outages.lost(consumer, 2, gone);
  expect(outages.any).toBe(true);
  outages.restored(producer, 1);
  expect(told).toHaveLength(1);
  outages.restored(consumer, 2);
  outages.restored(consumer, 0);
  expect(outages.any).toBe(false);
  expect(told).toEqual([
    'The connection to "kafka" is lost (connect ECONNREFUSED a:1); tidelane keeps trying to restore it.',
    'The connection to "kafka" is restored.',
  ]);
});

it("a part that ended while it was lost leaves the return to the next that has the server", () => {
  const told = warnings();
  const outages = new Outages("kafka");
  const part = {};
  outages.lost(part, 1, gone);
  outages.forget(part);
  expect(outages.any).toBe(false);
  outages.lost({}, 1, gone);
  expect(told).toHaveLength(1);
  const events = heard("tidelane:reconnect");
  const another = new Outages("kafka");
  another.lost(part, 3, gone);
  another.forget(part);
  another.restored({}, 0);
  expect(events).toEqual([
    { broker: "kafka", state: "lost", attempt: 3, error: gone },
    { broker: "kafka", state: "restored", attempt: 0 },
  ]);
});

it("a server that goes and comes back is told of once each, though two subscriptions and a publisher noticed", async () => {
  const told = warnings();
  const bench = new Bench();
  const connection = await bench.connect();
  for (const group of ["g", "h"]) await bench.settled(connection.subscribe("orders", { group }));
  const publisher = connection.publisher();
  await bench.settled(publisher.publish({ topic: "orders", payload: "a" }));
  bench.cluster.outage = gone;
  for (const consumer of bench.kafka.consumers) consumer.crash(gone);
  bench.kafka.producer.failures.push(gone);
  const refused = publisher.publish({ topic: "orders", payload: "b" }).catch(() => undefined);
  await bench.settled(refused);
  const waiting = publisher.publish({ topic: "orders", payload: "c" });
  await bench.clock.advance(5_000);
  expect(connection.state).toBe("reconnecting");
  expect(told).toHaveLength(1);
  bench.cluster.outage = undefined;
  await bench.clock.advance(20_000);
  await waiting;
  expect(connection.state).toBe("open");
  expect(told.map((text) => /lost|restored/.exec(text)?.[0])).toEqual(["lost", "restored"]);
});

it("a server that answers that a new topic has no leader yet is not lost, unless it goes on", async () => {
  const told = warnings();
  const bench = new Bench();
  const connection = await bench.connect();
  bench.cluster.outage = new FakeKafkaError("LEADER_NOT_AVAILABLE", { retriable: true });
  const checking = connection.publisher().checkTopic("orders");
  await bench.clock.advance(500);
  expect([connection.state, told]).toEqual(["open", []]);
  await bench.clock.advance(5_000);
  expect(connection.state).toBe("reconnecting");
  expect(told).toHaveLength(1);
  bench.cluster.outage = undefined;
  await bench.clock.advance(5_000);
  await checking;
  expect(told).toHaveLength(2);
});
