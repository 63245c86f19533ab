import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Slot, Watermark } from "../../../../../src/brokers/kafka/consumer/offsets/watermark.ts";

function slot(offset: number): Slot {
  return { offset, done: false };
}

describe("the watermark", () => {
  it("stands where the partition began until something is done", () => {
    const watermark = new Watermark(7);
    expect(watermark.offset).toBe(7);
    const first = slot(7);
    watermark.deliver(first);
    expect(watermark.offset).toBe(7);
    expect(watermark.settle(first)).toBe(true);
    expect(watermark.offset).toBe(8);
  });

  it("does not pass an unsettled record, and then passes all behind it at once", () => {
    const watermark = new Watermark(0);
    const [a, b, c] = [slot(0), slot(1), slot(2)];
    for (const one of [a, b, c]) watermark.deliver(one);
    expect(watermark.settle(c)).toBe(false);
    expect(watermark.settle(b)).toBe(false);
    expect(watermark.offset).toBe(0);
    expect(watermark.settle(a)).toBe(true);
    expect(watermark.offset).toBe(3);
    expect(watermark.covered).toBe(3);
  });

  it("goes by records and not by numbers, for offsets have holes", () => {
    const watermark = new Watermark(0);
    const [a, b] = [slot(4), slot(900)];
    watermark.deliver(a);
    watermark.deliver(b);
    watermark.settle(a);
    expect(watermark.offset).toBe(900);
    watermark.settle(b);
    expect(watermark.offset).toBe(901);
    watermark.skipTo(950);
    expect(watermark.offset).toBe(950);
  });

  it("knows where it would be if more were done", () => {
    const watermark = new Watermark(0);
    const slots = [slot(0), slot(1), slot(2), slot(3)];
    for (const one of slots) watermark.deliver(one);
    watermark.settle(slots[1] as Slot);
    expect(watermark.offsetWith(new Set())).toBe(0);
    expect(watermark.offsetWith(new Set([slots[0] as Slot]))).toBe(2);
    expect(watermark.offsetWith(new Set([slots[0], slots[2], slots[3]] as Slot[]))).toBe(4);
    expect(watermark.offset).toBe(0);
  });

  it("refuses a record that was delivered before", () => {
    const watermark = new Watermark(5);
    expect(() => watermark.deliver(slot(4))).toThrow("Offset 4 was delivered before");
  });
});

/** The watermark as one would compute it from a list of everything. */
class Naive {
  readonly #slots: Slot[] = [];
  #next: number;

  constructor(next: number) {
    this.#next = next;
  }

  deliver(one: Slot): void {
    this.#slots.push(one);
    this.#next = one.offset + 1;
  }

  skipTo(next: number): void {
    this.#next = Math.max(this.#next, next);
  }

  get offset(): number {
    return Math.min(...this.#slots.filter(({ done }) => !done).map(({ offset }) => offset), this.#next);
  }

  get covered(): number {
    return this.#slots.filter(({ offset }) => offset < this.offset).length;
  }
}

const step = fc.oneof(
  fc.record({ deliver: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ settle: fc.nat() }),
  fc.record({ skip: fc.integer({ min: 0, max: 3 }) }),
);

it("agrees with a naive model, whatever the holes and the order of settles", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
      const watermark = new Watermark(start);
      const naive = new Naive(start);
      const open: Slot[] = [];
      let next = start;
      let before = start;
      let delivered = 0;
      for (const one of steps) {
        if ("deliver" in one) {
          const record = slot(next + one.deliver);
          next = record.offset + 1;
          delivered += 1;
          open.push(record);
          watermark.deliver(record);
          naive.deliver(record);
        } else if ("settle" in one) {
          const [record] = open.splice(one.settle % Math.max(1, open.length), 1);
          if (record) {
            const moved = watermark.settle(record);
            expect(moved).toBe(naive.offset !== before);
          }
        } else {
          next += one.skip;
          watermark.skipTo(next);
          naive.skipTo(next);
        }
        expect(watermark.offset).toBe(naive.offset);
        expect(watermark.covered).toBe(naive.covered);
        expect(watermark.delivered).toBe(delivered);
        expect(watermark.offset).toBeGreaterThanOrEqual(before);
        expect([...watermark].every(({ offset }) => offset >= watermark.offset)).toBe(true);
        before = watermark.offset;
      }
    }),
    { numRuns: 500 },
  );
});
