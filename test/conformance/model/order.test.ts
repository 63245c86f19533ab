import { describe, expect, it } from "vitest";
import type { Posting } from "../../../conformance/model/posting.ts";
import { Told } from "./told.ts";

/** A publish in a transaction, one outside of it meanwhile, and the commit. */
function transacted(told: Told, key?: string): { inside: Posting; outside: Posting } {
  const inside = told.send({ publisher: "t1", key });
  told.ledger.transacted.heldBack(inside);
  const outside = told.publish(key);
  told.ledger.transacted.committing([inside]);
  told.ledger.sent(inside);
  return { inside, outside };
}

describe("what a transaction publishes, and what is published outside it meanwhile", () => {
  it("may be first delivered either way round: a log has it since the publish, a queue since the commit", () => {
    for (const insideFirst of [true, false]) {
      const told = new Told();
      const seat = told.open({ capabilities: { order: "partition", maxInFlight: 9 } });
      const { inside, outside } = transacted(told, "a");
      for (const each of insideFirst ? [inside, outside] : [outside, inside]) told.deliver(seat, each);
      expect(told.broken()).toEqual([]);
    }
  });

  it("may come again either way round where nobody reports positions", () => {
    for (const insideFirst of [true, false]) {
      const told = new Told({ requeueKeepsPlace: true });
      const { inside, outside } = (() => {
        const seat = told.open({ capabilities: { maxInFlight: 9 } });
        const both = transacted(told);
        told.deliver(seat, both.inside);
        told.deliver(seat, both.outside);
        told.leave(seat, "close");
        return both;
      })();
      const seat = told.open({ capabilities: { maxInFlight: 9 } });
      told.now = 1;
      for (const each of insideFirst ? [inside, outside] : [outside, inside]) told.deliver(seat, each);
      expect(told.broken()).toEqual([]);
    }
  });

  it("comes again as the broker reports it stands", () => {
    for (const insideFirst of [true, false]) {
      const told = new Told({ requeueKeepsPlace: true });
      const seat = told.open({ capabilities: { maxInFlight: 9 } });
      const { inside, outside } = transacted(told);
      told.deliver(seat, inside, { position: 1 });
      told.settle(told.deliver(seat, outside, { position: 2 }), "requeue");
      told.settle(told.ledger.deliveries[0] ?? told.deliver(seat, inside), "requeue");
      told.now = 1;
      told.ledger.rested();
      if (insideFirst) told.deliver(seat, inside, { position: 1 });
      told.deliver(seat, outside, { position: 2 });
      expect(told.broken()).toEqual(insideFirst ? [] : [["requeue-keeps-place"]]);
    }
  });

  it("comes behind what was confirmed before its first publish, and before what follows its commit", () => {
    const told = new Told();
    const seat = told.open({ capabilities: { maxInFlight: 9 } });
    const before = told.publish();
    const { inside } = transacted(told);
    const after = told.publish();
    told.deliver(seat, after);
    told.deliver(seat, inside);
    told.deliver(seat, before);
    expect(told.broken()).toEqual([["key-order", "transaction-visibility"], ["key-order"]]);
  });
});

describe("two publishers of one connection", () => {
  it("have no order while their publishes overlap", () => {
    const told = new Told();
    const seat = told.open();
    const [first, second] = [told.send(), told.send({ publisher: "c1's second publisher" })];
    told.ledger.sent(first);
    told.ledger.sent(second);
    told.deliver(seat, second);
    told.deliver(seat, first);
    expect(told.broken()).toEqual([]);
  });

  it("have the order of what was confirmed, where it was", () => {
    for (const confirmation of ["broker", "none"] as const) {
      const told = new Told();
      const seat = told.open();
      const first = told.publish(undefined, confirmation);
      const second = told.publish(undefined, confirmation, "c1's second publisher");
      told.deliver(seat, second);
      told.deliver(seat, first);
      expect(told.broken()).toEqual(confirmation === "none" ? [] : [["key-order"]]);
    }
  });

  it("have the order the broker reports, which nobody else knows", () => {
    for (const [of, broken] of [
      [{ first: 1, second: 2 }, [["key-order"]]],
      [{ first: 2, second: 1 }, []],
    ] as const) {
      const told = new Told();
      const seat = told.open();
      const [first, second] = [told.send(), told.send({ publisher: "c2" })];
      told.ledger.sent(first);
      told.ledger.sent(second);
      told.deliver(seat, second, { position: of.second });
      told.deliver(seat, first, { position: of.first });
      expect(told.broken()).toEqual(broken);
    }
  });
});

describe("a request", () => {
  /** Nobody learns from a request whether it was sent: what it comes to is unknown from its call on. */
  function requested(told: Told): Posting {
    const posting = told.send({ request: true });
    told.ledger.notSent(posting, undefined);
    return posting;
  }

  it("stands in the order of its publisher's calls", () => {
    for (const requestFirst of [true, false]) {
      const told = new Told();
      const seat = told.open();
      const make = [() => requested(told), () => told.publish()];
      const [first, second] = (requestFirst ? make : make.reverse()).map((each) => each());
      if (first === undefined || second === undefined) throw new Error("there are two");
      told.deliver(seat, second);
      told.deliver(seat, first);
      expect(told.broken()).toEqual([["key-order"]]);
    }
  });

  it("may be late when a connection went meanwhile: it may have been sent again", () => {
    const told = new Told({ noPrefetch: true });
    const [seat, other] = [told.open(), told.open()];
    const first = requested(told);
    told.leave(other, "crash");
    told.deliver(seat, told.publish());
    told.deliver(seat, first);
    expect(told.broken()).toEqual([]);
  });
});

describe("an ack deadline", () => {
  it("excuses what came late only when it has passed since the publish", () => {
    for (const [now, broken] of [
      [999, [["key-order"]]],
      [1_000, []],
    ] as const) {
      const told = new Told();
      const seat = told.open({ capabilities: { ackDeadlineMs: 1_000 } });
      const [first, second] = [told.publish(), told.publish()];
      told.deliver(seat, second);
      told.now = now;
      told.deliver(seat, first);
      expect(told.broken()).toEqual(broken);
    }
  });
});
