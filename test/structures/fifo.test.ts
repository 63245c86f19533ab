import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../src/structures/fifo.ts";

const number = (value: number): { value: number } => ({ value });

describe("Fifo", () => {
  it("does what an array does, whatever is pushed and shifted", () => {
    const step = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: -2000, max: -1 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20, size: "max" }), (steps) => {
        const fifo = new Fifo<{ value: number }>();
        const model: { value: number }[] = [];
        let next = 0;
        for (const count of steps) {
          for (let i = 0; i < count; i += 1) {
            const element = number(next);
            next += 1;
            fifo.push(element);
            model.push(element);
          }
          const shifted = Array.from({ length: Math.max(0, -count) }, () => fifo.shift());
          const expected = Array.from(shifted, () => model.shift());
          expect(shifted.every((element, index) => element === expected[index])).toBe(true);
          expect(fifo.size).toBe(model.length);
          expect(fifo.peek()).toBe(model[0]);
        }
        expect([...fifo].map(({ value }) => value).join()).toBe(model.map(({ value }) => value).join());
      }),
      { numRuns: 50 },
    );
  });

  it.each([1, 1023, 1024, 1025, 2048])("is sound when it runs empty after %i", (count) => {
    const fifo = new Fifo<{ value: number }>();
    for (const round of [0, 1, 2]) {
      for (let i = 0; i < count; i += 1) fifo.push(number(round + i));
      for (let i = 0; i < count; i += 1) expect(fifo.shift()?.value).toBe(round + i);
      expect([fifo.size, fifo.peek(), fifo.shift()]).toEqual([0, undefined, undefined]);
    }
  });

  it("is empty, and usable, after clear()", () => {
    const fifo = new Fifo<{ value: number }>();
    for (let i = 0; i < 3000; i += 1) fifo.push(number(i));
    fifo.clear();
    expect([fifo.size, fifo.peek(), fifo.shift()]).toEqual([0, undefined, undefined]);
    fifo.push(number(7));
    expect([...fifo]).toEqual([{ value: 7 }]);
  });
});
