import fc from "fast-check";
import { expect, it } from "vitest";
import { Heap } from "../../src/structures/heap.ts";

it("Heap gives back in order whatever was pushed, between pushes too", () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.integer({ min: 0, max: 50 }), { freq: 3 }), { maxLength: 200 }),
      (steps) => {
        const heap = new Heap<{ rank: number }>((a, b) => a.rank < b.rank);
        const model: number[] = [];
        for (const rank of steps) {
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
      },
    ),
  );
});
