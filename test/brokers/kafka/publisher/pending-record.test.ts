import { expect, it } from "vitest";
import { dropOver, PendingRecord } from "../../../../src/brokers/kafka/publisher/pending-record.ts";
import { Fifo } from "../../../../src/structures/fifo.ts";

function setUp(count: number) {
  const answers: unknown[] = [];
  const left: PendingRecord[] = [];
  const owner = { timeoutMs: 50, over: (record: PendingRecord) => left.push(record) };
  const message = { key: Buffer.from("key"), value: Buffer.from("value"), headers: {} };
  const answer = { resolve: () => answers.push("sent"), reject: (error: unknown) => answers.push(error) };
  const call = { due: 50, signal: undefined, owner };
  const records = Array.from({ length: count }, () => new PendingRecord("orders", message, call, answer));
  return { records, answers, left };
}

it("tells its owner once that it is over, and its publish which topic took too long", () => {
  const { records, answers, left } = setUp(1);
  for (const record of records) {
    record.expire();
    record.resolve();
  }
  expect(left).toEqual(records);
  expect(answers).toEqual([expect.objectContaining({ code: "TIDELANE_TIMEOUT" })]);
  expect(String(answers[0])).toContain('The publish to "orders"');
});

it("an outage keeps no records that expired in it: those at the front are let go, and no other", () => {
  const { records } = setUp(5);
  const queue = new Fifo<PendingRecord>();
  for (const record of records) queue.push(record);
  for (const index of [0, 1, 3]) records[index]?.expire();
  dropOver(queue);
  expect([...queue]).toEqual(records.slice(2));
  for (const record of records) record.expire();
  dropOver(queue);
  expect(queue.size).toBe(0);
});
