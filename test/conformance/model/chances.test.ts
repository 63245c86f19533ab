import { describe, expect, it } from "vitest";
import { Told } from "./told.ts";

describe("key-order", () => {
  it("is judged when a message comes that another had to come before", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { maxInFlight: 9 } });
    const [first, second] = [told.publish(), told.publish()];
    told.deliver(seat, first);
    expect(told.judged.get("key-order")).toBeUndefined();
    told.deliver(seat, second);
    expect(told.judged.get("key-order")).toBe(1);
  });

  it("is not judged after a requeue, where the broker may have fetched ahead", () => {
    for (const [noPrefetch, judged] of [
      [false, undefined],
      [true, 2],
    ] as const) {
      const told = new Told({ noPrefetch });
      const seat = told.open({ capabilities: { maxInFlight: 9 } });
      const [first, second, third] = [told.publish(), told.publish(), told.publish()];
      told.settle(told.deliver(seat, first), "requeue");
      told.deliver(seat, second);
      told.deliver(seat, third);
      expect(told.judged.get("key-order")).toBe(judged);
    }
  });
});

describe("what must not come", () => {
  it("is judged when something else comes, or a pull waits", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { maxInFlight: 9 } });
    told.settle(told.deliver(seat, told.publish()), "ack");
    expect(told.judged.get("ack-is-final")).toBeUndefined();
    told.ledger.waited(seat);
    expect(told.judged.get("ack-is-final")).toBe(1);
    told.deliver(seat, told.publish());
    expect(told.judged.get("ack-is-final")).toBe(2);
  });

  it("is judged for a pause only while more waits than may be on its way", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { maxInFlight: 2 } });
    told.ledger.pausing(seat);
    told.ledger.rested();
    for (const expected of [undefined, undefined, 1]) {
      told.publish();
      told.ledger.waited(seat);
      expect(told.judged.get("pause-holds")).toBe(expected);
    }
  });

  it("is judged for the bound of in flight only while it is reached and more is there", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { maxInFlight: 1 } });
    told.deliver(seat, told.publish());
    told.ledger.waited(seat);
    expect(told.judged.get("prefetch-bound")).toBeUndefined();
    told.publish();
    told.ledger.waited(seat);
    expect(told.judged.get("prefetch-bound")).toBe(1);
  });
});
