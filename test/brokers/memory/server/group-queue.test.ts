import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoredMessage } from "../../../../src/brokers/memory/message/stored-message.ts";
import type { Entry } from "../../../../src/brokers/memory/server/entry.ts";
import { Group } from "../../../../src/brokers/memory/server/group.ts";
import { GroupQueue } from "../../../../src/brokers/memory/server/group-queue.ts";
import { MemoryServer } from "../../../../src/brokers/memory/server/server.ts";
import { VirtualClock } from "../../../../src/testing/virtual-clock.ts";
import { MessageHeaders } from "../../../../src/traits/headers.ts";

const server = new MemoryServer(new VirtualClock(), () => undefined);
const topic = server.topic("orders");
const settings = { maxInFlight: 10, ackDeadlineMs: undefined, deadLetter: undefined };
const group = new Group(server, settings, true, () => {});
const content = { topic: "orders", payload: new Uint8Array(), headers: MessageHeaders.empty, key: undefined };

type Step =
  | { readonly do: "push" }
  | { readonly do: "take" }
  | { readonly do: "give back"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: "push" as const }) },
  { weight: 3, arbitrary: fc.constant({ do: "take" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("give back" as const), which: fc.nat() }) },
);

/** The queue as it would be written without a thought of speed: always sorted, searched from the front. */
class Model {
  readonly waiting: number[] = [];
  readonly taken: Entry[] = [];

  put(order: number): void {
    this.waiting.push(order);
    this.waiting.sort((a, b) => a - b);
  }
}

describe("GroupQueue", () => {
  it("is a sorted array: order of publish, nothing lost, nothing twice, size exact", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new GroupQueue(group);
        const model = new Model();
        let order = 0;
        for (const next of steps) {
          if (next.do === "push") {
            order += 1;
            queue.push(new StoredMessage(topic, order, order, content, 0));
            model.put(order);
          } else if (next.do === "take") {
            const entry = queue.take();
            expect(entry?.stored.order).toBe(model.waiting.shift());
            if (entry !== undefined) model.taken.push(entry);
          } else if (model.taken.length > 0) {
            const [entry] = model.taken.splice(next.which % model.taken.length, 1);
            if (entry === undefined) continue;
            queue.giveBack(entry);
            model.put(entry.stored.order);
          }
          expect(queue.size).toBe(model.waiting.length);
        }
        const held = [...queue.messages()].map((stored) => stored.order).sort((a, b) => a - b);
        expect(held).toEqual(model.waiting);
        expect(held.length + model.taken.length).toBe(order);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what an entry was: a message given back is taken as the same entry", () => {
    const queue = new GroupQueue(group);
    queue.push(new StoredMessage(topic, 1, 1, content, 0));
    const entry = queue.take();
    if (entry === undefined) throw new Error("nothing taken");
    queue.giveBack(entry);
    expect(queue.take()).toBe(entry);
  });

  it("has nothing after clear()", () => {
    const queue = new GroupQueue(group);
    for (const order of [1, 2]) queue.push(new StoredMessage(topic, order, order, content, 0));
    const entry = queue.take();
    if (entry !== undefined) queue.giveBack(entry);
    queue.clear();
    expect([queue.size, queue.take(), [...queue.messages()]]).toEqual([0, undefined, []]);
  });
});
