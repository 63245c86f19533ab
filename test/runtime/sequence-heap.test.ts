import fc from "fast-check";
import { expect, it } from "vitest";
import { SequenceHeap } from "../../src/runtime/sequence-heap.ts";

interface Item {
  readonly sequence: number;
}

it("gives nothing when it is empty", () => {
  const heap = new SequenceHeap<Item>();
  expect(heap.pop()).toBeUndefined();
  expect(heap.size).toBe(0);
});

it("always gives the lowest sequence of those in it", () => {
  const step = fc.oneof(fc.constant("pop" as const), fc.nat({ max: 50 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new SequenceHeap<Item>();
      let model: number[] = [];
      for (const each of steps) {
        if (each === "pop") {
          const expected = model.length > 0 ? Math.min(...model) : undefined;
          expect(heap.pop()?.sequence).toBe(expected);
          model = model.toSpliced(model.indexOf(expected ?? -1), expected === undefined ? 0 : 1);
        } else {
          heap.push({ sequence: each });
          model.push(each);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
