import { describe, expect, it } from "vitest";
import { comesBefore, idOfPayload, type Posting, tagged } from "../../../conformance/model/posting.ts";

function posting(facts: Partial<Posting>): Posting {
  return {
    id: 1,
    topic: "A",
    key: undefined,
    payload: new Uint8Array(),
    headers: [],
    publisher: "c1",
    confirmation: "broker",
    startedAt: 1,
    startedMs: 0,
    confirmedAt: undefined,
    state: "sent",
    at: "plain",
    ...facts,
  };
}

describe("comesBefore", () => {
  const first = posting({ startedAt: 1, confirmedAt: 2 });
  const second = posting({ startedAt: 3, confirmedAt: 4 });

  it("goes by the calls of one publisher, also when they overlapped", () => {
    const late = posting({ startedAt: 1, confirmedAt: 9 });
    expect(comesBefore(late, second, "publisher")).toBe(true);
    expect(comesBefore(second, late, "publisher")).toBe(false);
  });

  it("goes by the confirmation between two publishers, where the topic has one order", () => {
    const other = posting({ publisher: "c2", startedAt: 3 });
    const overlapping = posting({ publisher: "c2", startedAt: 2 });
    expect(comesBefore(first, other, "topic")).toBe(true);
    expect(comesBefore(first, other, "publisher")).toBe(false);
    expect(comesBefore(first, overlapping, "topic")).toBe(false);
  });

  it("needs one key where order holds within a partition", () => {
    expect(comesBefore(first, second, "partition")).toBe(false);
    const keyed = (at: number) => posting({ key: "a", startedAt: at });
    expect(comesBefore(keyed(1), keyed(2), "partition")).toBe(true);
    expect(comesBefore(keyed(1), posting({ key: "b", startedAt: 2 }), "partition")).toBe(false);
  });

  it("says nothing of other topics, of what was refused, or where no order is promised", () => {
    expect(comesBefore(first, posting({ topic: "B", startedAt: 3 }), "topic")).toBe(false);
    expect(comesBefore(posting({ state: "unknown" }), second, "topic")).toBe(false);
    expect(comesBefore(first, second, "none")).toBe(false);
  });
});

describe("a tagged payload", () => {
  it("says which message it is, whatever follows", () => {
    expect(idOfPayload(tagged(42, Uint8Array.of(0xff, 0xfe)))).toBe(42);
    expect(idOfPayload(tagged(7, new Uint8Array()))).toBe(7);
  });

  it("is not seen where there is none", () => {
    expect(idOfPayload(new Uint8Array())).toBeUndefined();
    expect(idOfPayload(Uint8Array.of(0xc3, 0x28))).toBeUndefined();
  });
});
