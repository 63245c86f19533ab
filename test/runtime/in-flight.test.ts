import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { InFlight } from "../../src/runtime/in-flight.ts";
import { RecordingMessage } from "../../src/testing/index.ts";

const message = new RecordingMessage();
const delivery = (sequence: number): Delivery => new Delivery(sequence, message);
const sequences = (list: Iterable<Delivery>): number[] => Array.from(list, ({ sequence }) => sequence);

describe("InFlight", () => {
  it("holds what was added and not removed, oldest first, and remembers its peak", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(undefined), fc.nat()), { maxLength: 40 }), (steps) => {
        const list = new InFlight();
        const model: Delivery[] = [];
        let [peak, sequence] = [0, 0];
        for (const remove of steps) {
          if (remove === undefined) {
            const added = delivery(sequence++);
            list.add(added);
            model.push(added);
          } else {
            const [removed] = model.splice(remove % Math.max(1, model.length), 1);
            if (removed) list.remove(removed);
          }
          peak = Math.max(peak, model.length);
          expect(sequences(list)).toEqual(sequences(model));
          expect([list.size, list.peak]).toEqual([model.length, peak]);
        }
      }),
    );
  });

  it("is iterated as it was, whatever is removed meanwhile", () => {
    const list = new InFlight();
    const all = [0, 1, 2, 3].map(delivery);
    for (const each of all) list.add(each);
    const seen: number[] = [];
    for (const each of list) {
      seen.push(each.sequence);
      if (each.sequence === 0) for (const removed of all.slice(0, 3)) list.remove(removed);
    }
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(sequences(list)).toEqual([3]);
  });
});
