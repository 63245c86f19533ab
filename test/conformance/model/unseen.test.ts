import { DeliveryRevokedError } from "tidelane";
import { describe, expect, it } from "vitest";
import type { StrictPromises } from "../../../conformance/fixture.ts";
import type { Posting } from "../../../conformance/model/posting.ts";
import type { Seat } from "../../../conformance/model/records.ts";
import { Told } from "./told.ts";

/** A broker that prefetches counts deliveries that nobody saw: after so many it sets a message aside. */
const setsAside = (maxDeliveries: number) => ({ options: { deadLetter: { topic: "D", maxDeliveries } } });

function owedTo(told: Told, { group }: Seat): Posting[] {
  return told.ledger.owed(group).map(({ posting }) => posting);
}

/** Two members; the first holds a message. Everything is at rest. */
function pair(promises: StrictPromises, rebalances: boolean, facts: Parameters<Told["open"]>[0]) {
  const told = new Told(promises, rebalances);
  const [first, second] = [told.open(facts), told.open(facts)];
  const posting = told.publish();
  const held = told.deliver(first, posting);
  told.ledger.rested();
  return { told, first, second, posting, held };
}

describe("a message that goes back while its group rebalances", () => {
  it("may be set aside by deliveries that nobody saw", () => {
    const { told, first, second } = pair({}, true, setsAside(2));
    told.leave(first, "close");
    expect(owedTo(told, second)).toEqual([]);
  });

  it("has to come where nothing sets it aside, and where no member is given anything unseen", () => {
    for (const [promises, facts] of [
      [{}, {}],
      [{ noPrefetch: true }, setsAside(2)],
    ] as const) {
      const { told, first, second, posting } = pair(promises, true, facts);
      told.leave(first, "close");
      expect(owedTo(told, second)).toEqual([posting]);
    }
  });

  it("has to come when it goes back after the rebalance", () => {
    const { told, second, posting, held } = pair({}, true, setsAside(2));
    told.settle(held, "requeue");
    expect(owedTo(told, second)).toEqual([posting]);
  });
});

describe("a message that waits when its group rebalances", () => {
  it("may be set aside, unless its time has not come", () => {
    const { told, second, posting, held } = pair({}, true, setsAside(2));
    told.settle(held, "delay", 100);
    told.publish();
    told.open(setsAside(2));
    expect(owedTo(told, second)).toEqual([posting]);
  });
});

describe("a message that comes up while a member goes", () => {
  it("may have been given to that member, also when its publish is answered later", () => {
    const told = new Told();
    const seat = told.open(setsAside(1));
    const posting = told.send();
    told.leave(seat, "crash");
    told.ledger.sent(posting);
    expect(owedTo(told, seat)).toEqual([]);
  });

  it("has to come when it is sent after the member had gone", () => {
    const told = new Told();
    const seat = told.open(setsAside(1));
    const waiting = told.send();
    told.leave(seat, "crash");
    told.ledger.rested();
    told.ledger.sent(waiting);
    expect(owedTo(told, seat)).toEqual([waiting]);
  });

  it("may be set aside when the settle of a member that goes came too late, as another goes too", () => {
    const { told, first, second, posting, held } = pair({}, false, setsAside(2));
    const reader = told.open({ group: "d", topic: "D" });
    told.ledger.leaving(first, "close");
    const ticket = told.ledger.settling(held, "delay", 100);
    told.ledger.leaving(second, "close");
    told.ledger.settled(held, ticket, new DeliveryRevokedError({ topic: "A", reason: "gone" }));
    expect(reader.group.copies.get(posting.id)?.posting.setAside?.source).toBe("A");
  });

  it("may have been given to another member that goes too, and not to the one that gave it back", () => {
    for (const both of [true, false]) {
      const { told, first, second, posting } = pair({}, false, setsAside(2));
      if (both) told.ledger.leaving(second, "close");
      told.leave(first, "close");
      expect(owedTo(told, second)).toEqual(both ? [] : [posting]);
    }
  });
});
