import { expect, it } from "vitest";
import { Delays } from "../../../../src/brokers/kafka/consumer/delays.ts";
import type { Partition } from "../../../../src/brokers/kafka/consumer/partition.ts";
import { KafkaRecord } from "../../../../src/brokers/kafka/message/message.ts";

it("gives what is due when it is asked, though the timer has not rung", () => {
  let now = 0;
  const given: number[] = [];
  const clock = { now: () => now, schedule: () => ({ cancel: () => undefined }) };
  const delays = new Delays(clock, ({ offset }) => given.push(offset));
  const raw = { offset: "0", key: null, value: null, timestamp: "0", attributes: 0 };
  const record = (offset: number): KafkaRecord => new KafkaRecord({} as Partition, raw, offset, 0);
  delays.add(record(2), 20);
  delays.add(record(1), 10);
  delays.release();
  expect(given).toEqual([]);
  now = 10;
  delays.release();
  expect(given).toEqual([1]);
  now = 20;
  delays.release();
  expect(given).toEqual([1, 2]);
});
