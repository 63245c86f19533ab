import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../conformance/model/records.ts";
import { Told } from "./told.ts";

describe("what must not come", () => {
  it.each([
    ["ack", "ack-is-final"],
    ["drop", "drop-is-final"],
  ] as const)("after %s breaks %s", (how, law) => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    told.settle(told.deliver(seat, posting), how);
    expect(told.broken()).toEqual([]);
    told.deliver(seat, posting);
    expect(told.broken()).toEqual([[law]]);
  });

  it("may come after a crash of the connection it was acked on, unless settles survive one", () => {
    for (const settlesSurviveCrash of [false, true]) {
      const told = new Told({ settlesSurviveCrash });
      const seat = told.open();
      const posting = told.publish();
      told.settle(told.deliver(seat, posting), "ack");
      told.leave(seat, "crash");
      told.deliver(told.open({ connection: "c2" }), posting);
      expect(told.broken()).toEqual(settlesSurviveCrash ? [["ack-is-final"]] : []);
    }
  });

  it("is what another subscriber of the group holds", () => {
    const told = new Told();
    const [first, second] = [told.open(), told.open()];
    const posting = told.publish();
    told.deliver(first, posting);
    told.deliver(second, posting);
    expect(told.broken()).toEqual([["group-shares"]]);
  });

  it("is a delayed requeue before its time", () => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    told.settle(told.deliver(seat, posting), "delay", 100);
    told.now = 99;
    const early = told.deliver(seat, posting);
    expect(told.broken()).toEqual([["nack-after-never-early"]]);
    told.settle(early, "delay", 100);
    told.now = 199;
    told.deliver(seat, posting);
    expect(told.broken()).toEqual([]);
  });

  it("is anything on a subscription that is over", () => {
    const told = new Told();
    const [seat] = [told.open(), told.open()];
    const posting = told.publish();
    told.leave(seat, "close");
    told.ledger.rested();
    told.deliver(seat, posting);
    expect(told.broken()).toEqual([["quiet-after-close"]]);
  });

  it("is what was published before a group that has no backlog", () => {
    const told = new Told();
    const posting = told.publish();
    told.deliver(told.open(), posting);
    expect(told.broken()).toEqual([["backlog"]]);
  });
});

describe("what goes to the first subscription that opens", () => {
  const unread = { capabilities: { backlog: "unread" as const } };

  it("is owed to it, and must not come to a second", () => {
    const told = new Told();
    const posting = told.publish();
    const [first, second] = [told.open({ group: "a", ...unread }), told.open({ group: "b", ...unread })];
    expect(told.ledger.starving(first)?.posting).toBe(posting);
    expect(told.ledger.starving(second)).toBeUndefined();
    told.deliver(first, posting);
    expect(told.broken()).toEqual([]);
    told.deliver(second, posting, { deliveryCount: 1 });
    expect(told.broken()).toEqual([["backlog"]]);
  });

  it("is had by a group that has settled it, and by one without settlement that was given it and is gone", () => {
    for (const goes of [false, true]) {
      const told = new Told();
      const seat = told.open({ group: "a", capabilities: { settlement: "none" } });
      const posting = told.publish();
      const delivery = told.deliver(seat, posting);
      if (goes) told.leave(seat, "close");
      else told.settle(delivery, "ack");
      told.deliver(told.open({ group: "b", ...unread }), posting, { deliveryCount: 1 });
      expect(told.broken()).toEqual([["backlog"]]);
    }
  });

  it("was not had by one without a name that is gone and has not settled it, and is owed to the next", () => {
    for (const delivered of [false, true]) {
      const told = new Told();
      const posting = told.publish();
      const seat = told.open({ group: null, ...unread });
      if (delivered) told.deliver(seat, posting);
      told.leave(seat, "close");
      const next = told.open({ group: null, ...unread });
      expect(told.ledger.starving(next)?.posting).toBe(posting);
      told.deliver(next, posting, { deliveryCount: 1 });
      expect(told.broken()).toEqual([]);
    }
  });

  it("may be had by one without a name that is being closed", () => {
    const told = new Told();
    const posting = told.publish();
    const seat = told.open({ group: null, ...unread });
    told.ledger.leaving(seat, "close");
    const next = told.open({ group: null, ...unread });
    expect(told.ledger.starving(next)).toBeUndefined();
    told.deliver(next, posting);
    expect(told.broken()).toEqual([]);
  });

  it("was not had by a group that began after it", () => {
    const told = new Told();
    const posting = told.publish();
    told.open({ group: "a", capabilities: { backlog: false } });
    expect(told.ledger.starving(told.open({ group: "b", ...unread }))?.posting).toBe(posting);
  });

  it("may be what a group had that was being published as it opened", () => {
    const told = new Told();
    const posting = told.send();
    told.open({ group: "a" });
    told.ledger.sent(posting);
    const seat = told.open({ group: "b", ...unread });
    expect(told.ledger.starving(seat)).toBeUndefined();
    told.deliver(seat, posting);
    expect(told.broken()).toEqual([]);
  });
});

describe("what must come", () => {
  it("is starving while it waits beside a pull", () => {
    const told = new Told();
    const seat = told.open();
    expect(told.ledger.starving(seat)).toBeUndefined();
    const posting = told.publish();
    expect(told.ledger.starving(seat)?.posting).toBe(posting);
  });

  it("is not starving while as much is held as may be", () => {
    const told = new Told();
    const seat = told.open();
    const held = [told.deliver(seat, told.publish()), told.deliver(seat, told.publish())];
    told.publish();
    expect(told.ledger.starving(seat)).toBeUndefined();
    for (const delivery of held) told.settle(delivery, "ack");
    expect(told.ledger.starving(seat)).toBeDefined();
    expect(told.broken()).toEqual([]);
  });

  it("may be in the hands of another subscriber that prefetches, unless nothing is prefetched", () => {
    for (const noPrefetch of [false, true]) {
      const told = new Told({ noPrefetch });
      const [seat] = [told.open(), told.open()];
      told.publish();
      expect(told.ledger.starving(seat) !== undefined).toBe(noPrefetch);
    }
  });

  it("breaks the law of what was last done to it when it does not", () => {
    const told = new Told();
    const seat = told.open();
    told.settle(told.deliver(seat, told.publish()), "requeue");
    const copy = told.ledger.starving(seat);
    if (copy === undefined) throw new Error("it is owed");
    told.ledger.missing(copy, "ever");
    expect(told.broken()).toEqual([["conservation", "requeue-redelivers"]]);
    expect(told.ledger.starving(seat)).toBeUndefined();
  });

  it("is not what a publish that overlapped with the subscription brought", () => {
    const told = new Told();
    const posting = told.ledger.sending({
      id: 9,
      topic: "A",
      key: undefined,
      payload: new Uint8Array(),
      headers: [],
      publisher: "c1",
      confirmation: "broker",
      at: "plain",
    });
    const seat = told.open();
    told.ledger.sent(posting);
    expect(told.ledger.starving(seat)).toBeUndefined();
  });
});

describe("the order of first deliveries", () => {
  it("is that of the publishes", () => {
    const told = new Told();
    const seat = told.open();
    const [first, second] = [told.publish(), told.publish()];
    told.deliver(seat, second);
    told.deliver(seat, first);
    expect(told.broken()).toEqual([["key-order"]]);
  });

  it("is each key's own where it holds within a partition", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { order: "partition", maxInFlight: 9 } });
    const [a, b, later] = [told.publish("a"), told.publish("b"), told.publish("a")];
    told.deliver(seat, b);
    told.deliver(seat, later);
    expect(told.broken()).toEqual([]);
    told.deliver(seat, a);
    expect(told.broken()).toEqual([["key-order"]]);
  });

  it("is nobody's after a subscriber went, unless nothing is prefetched", () => {
    for (const noPrefetch of [false, true]) {
      const told = new Told({ noPrefetch });
      const [gone, seat] = [told.open(), told.open()];
      const [first, second] = [told.publish(), told.publish()];
      told.leave(gone, "close");
      told.deliver(seat, second);
      told.deliver(seat, first);
      expect(told.broken()).toEqual(noPrefetch ? [["key-order"]] : []);
    }
  });

  it("does not bind what went back, unless it keeps its place", () => {
    for (const requeueKeepsPlace of [false, true]) {
      const told = new Told({ requeueKeepsPlace });
      const seat = told.open();
      const [first, second] = [told.publish(), told.publish()];
      told.settle(told.deliver(seat, first), "requeue");
      told.deliver(seat, second);
      expect(told.broken()).toEqual([]);
      told.now = 1;
      const third = told.publish();
      told.settle(told.ledger.deliveries[1] as Delivery, "ack");
      told.deliver(seat, third);
      expect(told.broken()).toEqual(requeueKeepsPlace ? [["requeue-keeps-place"]] : []);
    }
  });

  it("has to be kept only once the timers of its delay have had time to fire", () => {
    const told = new Told({ requeueKeepsPlace: true });
    const seat = told.open({ capabilities: { delayedRequeue: "local" } });
    const [first, second, third] = [told.publish(), told.publish(), told.publish()];
    told.settle(told.deliver(seat, first), "delay", 1);
    told.now = 20;
    told.firedUntil = 1;
    told.settle(told.deliver(seat, second), "ack");
    expect(told.broken()).toEqual([]);
    told.firedUntil = 20;
    told.deliver(seat, third);
    expect(told.broken()).toEqual([["requeue-keeps-place"]]);
  });

  it("has to be kept from the end of its delay on, though a member that leaves may end it sooner", () => {
    const told = new Told({ requeueKeepsPlace: true });
    const facts = { capabilities: { delayedRequeue: "local" } } as const;
    const [seat, gone] = [told.open(facts), told.open(facts)];
    const [first, second, third] = [told.publish(), told.publish(), told.publish()];
    told.settle(told.deliver(seat, first), "delay", 100);
    told.leave(gone, "close");
    told.now = 50;
    told.settle(told.deliver(seat, second), "ack");
    expect(told.broken()).toEqual([]);
    told.now = 101;
    told.settle(told.deliver(seat, third), "ack");
    expect(told.broken()).toEqual([["requeue-keeps-place"]]);
    told.deliver(seat, first);
    expect(told.broken()).toEqual([]);
  });
});

describe("the delivery count", () => {
  it("grows, and by one where it is exact", () => {
    for (const countsExactly of [false, true]) {
      const told = new Told({ countsExactly });
      const seat = told.open();
      const posting = told.publish();
      told.settle(told.deliver(seat, posting), "requeue");
      told.settle(told.deliver(seat, posting, { deliveryCount: 3 }), "requeue");
      expect(told.broken()).toEqual(countsExactly ? [["delivery-count-grows"]] : []);
      told.deliver(seat, posting, { deliveryCount: 3 });
      expect(told.broken()).toEqual([["delivery-count-grows"]]);
    }
  });

  it("may be 1 again after a departure where the broker forgets then, and only then", () => {
    for (const forgets of [true, false]) {
      const told = new Told({}, false, forgets);
      const [first, second] = [told.open(), told.open()];
      const posting = told.publish();
      told.settle(told.deliver(first, posting, { deliveryCount: 1 }), "requeue");
      told.deliver(first, posting, { deliveryCount: 2 });
      told.leave(first, "close");
      const again = told.deliver(second, posting, { deliveryCount: 1 });
      expect(told.broken()).toEqual(forgets ? [] : [["delivery-count-grows"]]);
      told.settle(again, "requeue");
      told.deliver(second, posting, { deliveryCount: 1 });
      expect(told.broken()).toEqual([["delivery-count-grows"]]);
    }
  });

  it("starts again with a subscription where the process counts", () => {
    const told = new Told();
    const facts = { capabilities: { deliveryCount: "process" } } as const;
    const seat = told.open(facts);
    const posting = told.publish();
    told.settle(told.deliver(seat, posting), "requeue");
    told.settle(told.deliver(seat, posting), "requeue");
    told.leave(seat, "close");
    told.deliver(told.open(facts), posting, { deliveryCount: 1 });
    expect(told.broken()).toEqual([]);
  });
});

describe("what a message is", () => {
  it("is told by its headers when its payload has changed, and the other way round", () => {
    const told = new Told();
    const seat = told.open();
    told.deliver(seat, told.publish(), { payload: "" });
    told.deliver(seat, told.publish(), { trace: "1" });
    expect(told.broken()).toEqual([["payload-fidelity"], ["header-fidelity"]]);
  });

  it("is nobody's when neither says", () => {
    const told = new Told();
    const seat = told.open();
    expect(
      told.ledger.delivered(seat, new RecordingMessage({ topic: "A", payload: "?" }), 0),
    ).toBeUndefined();
    expect(told.broken()).toEqual([["payload-fidelity", "conservation"]]);
  });
});

describe("the bound of what is held", () => {
  it("is that of the subscription, or of the group where it is the group's", () => {
    for (const limitPerGroup of [false, true]) {
      const told = new Told({ limitPerGroup });
      const seats = [told.open(), told.open(), told.open()];
      for (const seat of seats) told.deliver(seat, told.publish());
      expect(told.broken()).toEqual(limitPerGroup ? [["prefetch-bound"]] : []);
    }
  });
});
