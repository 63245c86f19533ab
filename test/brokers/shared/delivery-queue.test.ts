import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeliveryQueue } from "../../../src/brokers/shared/delivery-queue.ts";

interface Delivery {
  readonly id: number;
  revoked: boolean;
}

type Step =
  | { readonly do: "push" }
  | { readonly do: "shift" }
  | { readonly do: "revoke" }
  | { readonly do: "take"; readonly count: number }
  | { readonly do: "give back"; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: "push" as const }) },
  fc.constant({ do: "shift" as const }),
  fc.constant({ do: "revoke" as const }),
  fc.record({ do: fc.constant("take" as const), count: fc.nat(4) }),
  fc.record({ do: fc.constant("give back" as const), count: fc.nat(4) }),
);

describe("DeliveryQueue", () => {
  it("is an array: order kept, given back to the front, revoked ones dropped when taken", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new DeliveryQueue<Delivery>();
        const model: Delivery[] = [];
        let taken: Delivery[] = [];
        let id = 0;
        for (const next of steps) {
          if (next.do === "push") {
            id += 1;
            const delivery = { id, revoked: false };
            queue.push(delivery);
            model.push(delivery);
          } else if (next.do === "shift") {
            const delivery = model.shift();
            expect(queue.shift()).toBe(delivery);
            if (delivery !== undefined) taken.push(delivery);
          } else if (next.do === "revoke") {
            const last = model.at(-1);
            if (last !== undefined) last.revoked = true;
          } else if (next.do === "take") {
            const expected: Delivery[] = [];
            while (expected.length < next.count && model.length > 0) {
              const delivery = model.shift();
              if (delivery?.revoked === false) expected.push(delivery);
            }
            expect(queue.take(next.count, ({ revoked }) => !revoked)).toEqual(expected);
            taken.push(...expected);
          } else {
            const back = taken.slice(taken.length - Math.min(next.count, taken.length));
            taken = taken.slice(0, taken.length - back.length);
            queue.giveBack(back);
            model.unshift(...back);
          }
          expect(queue.size).toBe(model.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("has nothing after clear()", () => {
    const queue = new DeliveryQueue<Delivery>();
    queue.push({ id: 2, revoked: false });
    queue.giveBack([{ id: 1, revoked: false }]);
    queue.clear();
    expect([queue.size, queue.shift(), queue.take(5, () => true)]).toEqual([0, undefined, []]);
  });
});
