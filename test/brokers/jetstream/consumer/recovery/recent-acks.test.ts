import { describe, expect, it } from "vitest";
import { RecentAcks } from "../../../../../src/brokers/jetstream/consumer/recovery/recent-acks.ts";

const one = (sequence: number, storedAt = 1_000 + sequence) => ({ sequence, storedAt });

describe("what was acked lately", () => {
  it("is known again after the connection was lost, once", () => {
    const acks = new RecentAcks();
    acks.settled(one(1));
    acks.settled(one(2));
    expect(acks.cameAgain(one(1))).toBe(false);
    acks.connectionLost();
    expect([one(1), one(1), one(3), one(2)].map((each) => acks.cameAgain(each))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it("is not taken for a message of another stream with the same number", () => {
    const acks = new RecentAcks();
    acks.settled(one(1));
    acks.connectionLost();
    expect(acks.cameAgain(one(1, 5_000))).toBe(false);
  });

  it("is remembered over a second loss", () => {
    const acks = new RecentAcks();
    acks.settled(one(1));
    acks.connectionLost();
    acks.settled(one(2));
    acks.connectionLost();
    expect([acks.cameAgain(one(1)), acks.cameAgain(one(2))]).toEqual([true, true]);
  });

  it("is forgotten when all is to be delivered anew, and beyond 16,384", () => {
    const acks = new RecentAcks();
    for (let sequence = 1; sequence <= 16_385; sequence += 1) acks.settled(one(sequence));
    acks.connectionLost();
    expect([acks.cameAgain(one(1)), acks.cameAgain(one(2)), acks.cameAgain(one(16_385))]).toEqual([
      false,
      true,
      true,
    ]);
    acks.settled(one(9));
    acks.clear();
    acks.connectionLost();
    expect(acks.cameAgain(one(9))).toBe(false);
  });
});
