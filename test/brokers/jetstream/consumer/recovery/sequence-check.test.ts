import { describe, expect, it } from "vitest";
import { SequenceCheck } from "../../../../../src/brokers/jetstream/consumer/recovery/sequence-check.ts";

describe("the check of consumer sequences", () => {
  it("accepts anything before it begins and after it ends", () => {
    const check = new SequenceCheck();
    expect([7, 3].map((sequence) => check.fault(sequence, true))).toEqual([undefined, undefined]);
    check.begin(1);
    check.end();
    expect(check.fault(9, false)).toBeUndefined();
  });

  it("accepts deliveries in sequence, and names the first that is missing", () => {
    const check = new SequenceCheck();
    check.begin(4);
    expect([4, 5].map((sequence) => check.fault(sequence, true))).toEqual([undefined, undefined]);
    expect(check.fault(7, true)).toBe("its delivery 6 did not come");
    expect(check.fault(6, true)).toBeUndefined();
  });

  it("refuses a delivery for which there is no room, and expects it again", () => {
    const check = new SequenceCheck();
    check.begin(1);
    expect(check.fault(1, false)).toBe("more came than there is room for");
    expect(check.fault(1, true)).toBeUndefined();
  });
});
