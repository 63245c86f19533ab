import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap } from "../../src/structures/heap.ts";

interface Ranked {
  readonly rank: number;
}

const ranks = (): Heap<Ranked> => new Heap((a, b) => a.rank < b.rank);

describe("Heap", () => {
  it("gives back in order whatever was pushed, between pushes too", () => {
    const steps = fc.array(fc.option(fc.integer({ min: 0, max: 50 }), { freq: 3 }), {
      maxLength: 200,
      size: "max",
    });
    fc.assert(
      fc.property(steps, (taken) => {
        const heap = ranks();
        const model: number[] = [];
        for (const rank of taken) {
          if (rank === null) {
            model.sort((a, b) => a - b);
            expect(heap.peek()?.rank).toBe(model[0]);
            expect(heap.pop()?.rank).toBe(model.shift());
          } else {
            heap.push({ rank });
            model.push(rank);
          }
          expect(heap.size).toBe(model.length);
        }
        expect([...heap].map(({ rank }) => rank).sort((a, b) => a - b)).toEqual(model.sort((a, b) => a - b));
      }),
    );
  });

  it("gives back the very elements, each once, though they rank the same", () => {
    const heap = ranks();
    const elements = Array.from({ length: 9 }, () => ({ rank: 1 }));
    for (const element of elements) heap.push(element);
    const popped = new Set(elements.map(() => heap.pop()));
    expect(popped).toEqual(new Set(elements));
    expect(popped.size).toBe(9);
    expect(heap.pop()).toBeUndefined();
  });

  it("is empty, and usable, after clear()", () => {
    const heap = ranks();
    for (const rank of [3, 1, 2]) heap.push({ rank });
    heap.clear();
    expect([heap.size, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined]);
    heap.push({ rank: 7 });
    expect([...heap]).toEqual([{ rank: 7 }]);
  });
});
