import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import type { Delivery, Seat } from "../../../conformance/model/records.ts";
import type { Destination, Move } from "../../../conformance/model/seeking.ts";
import { Told } from "./told.ts";

/** Moves the group as a sound broker does: all that is in flight is revoked. */
function begin(told: Told, seat: Seat, to: Destination): Move {
  const move = told.ledger.seeks.begin(seat, to);
  for (const { message, copy } of move.held) {
    if (copy.group === seat.group && message instanceof RecordingMessage) message.revoke("moved");
  }
  return move;
}

function seek(told: Told, seat: Seat, to: Destination): void {
  told.ledger.seeks.end(begin(told, seat, to));
  told.ledger.rested();
}

/** Three messages, of which the first was acked and the second is held; the third is still to come. */
function underWay(): { told: Told; seat: Seat; first: Delivery; second: Delivery } {
  const told = new Told();
  const seat = told.open();
  const postings = [told.publish(), told.publish(), told.publish()];
  const [one, two] = postings as [(typeof postings)[0], (typeof postings)[0]];
  const first = told.deliver(seat, one, { position: 1 });
  told.settle(first, "ack");
  return { told, seat, first, second: told.deliver(seat, two, { position: 2 }) };
}

function owedIds(told: Told, seat: Seat): number[] {
  return told.ledger.owed(seat.group).map(({ posting }) => posting.id);
}

describe("a seek", () => {
  it("to a message makes it owed again, and all after it", () => {
    const { told, seat, first } = underWay();
    seek(told, seat, first.copy);
    expect(owedIds(told, seat)).toEqual([1, 2, 3]);
    expect(told.broken()).toEqual([]);
  });

  it("past a message excludes its delivery", () => {
    const { told, seat, first, second } = underWay();
    seek(told, seat, second.copy);
    expect(owedIds(told, seat)).toEqual([2, 3]);
    told.deliver(seat, first.copy.posting, { position: 1 });
    expect(told.broken().flat()).toContain("seek-lands");
  });

  it("to the end leaves nothing owed but what is published later", () => {
    const { told, seat } = underWay();
    seek(told, seat, "end");
    const later = told.publish();
    expect(owedIds(told, seat)).toEqual([later.id]);
  });

  it("starves nobody of what is confirmed while it is on its way: it may stand before its place", () => {
    const { told, seat } = underWay();
    const move = begin(told, seat, "end");
    const between = told.publish();
    told.ledger.rested();
    expect(told.ledger.starving(seat)).toBeUndefined();
    told.ledger.seeks.end(move);
    expect(owedIds(told, seat)).not.toContain(between.id);
    expect(told.ledger.starving(seat)).toBeUndefined();
    const later = told.publish();
    expect(told.ledger.starving(seat)?.posting).toBe(later);
  });

  it("leaves open, on real time, whether a settle of a member that has not heard of it reaches the new place", () => {
    const told = new Told({}, false, false, false);
    const [holder, mover] = [told.open(), told.open()];
    const posting = told.publish();
    const delivery = told.deliver(holder, posting, { position: 1 });
    told.ledger.seeks.end(told.ledger.seeks.begin(mover, "start"));
    expect(owedIds(told, mover)).toEqual([posting.id]);
    told.settle(delivery, "ack");
    expect(owedIds(told, mover)).toEqual([]);
    expect(told.broken()).toEqual([]);
  });

  it("ends a delay", () => {
    const { told, seat, second } = underWay();
    told.settle(second, "delay", 100);
    seek(told, seat, "end");
    told.now = 100;
    told.deliver(seat, second.copy.posting, { position: 2 });
    expect(told.broken().flat()).toContain("seek-lands");
  });

  it("breaks seek-lands where what was in flight is not revoked", () => {
    const { told, seat } = underWay();
    told.ledger.seeks.end(told.ledger.seeks.begin(seat, "start"));
    expect(told.broken()).toEqual([["seek-lands", "settle-after-revocation"]]);
  });

  it("that is given up leaves open what comes", () => {
    const { told, seat, first } = underWay();
    told.ledger.seeks.giveUp(begin(told, seat, "end"));
    expect(owedIds(told, seat)).toEqual([]);
    told.deliver(seat, first.copy.posting, { position: 1 });
    expect(told.broken()).toEqual([]);
  });

  it("may be overtaken by the news of what was handed out before it, and only by that", () => {
    const { told, seat, first } = underWay();
    const pulledAt = told.ledger.event;
    const revoked = (): RecordingMessage => {
      const message = new RecordingMessage({ topic: "A", payload: "#1;", deliveryCount: 1 });
      message.revoke("moved");
      return message;
    };
    told.ledger.seeks.end(begin(told, seat, "end"));
    expect(told.ledger.delivered(seat, revoked(), pulledAt)?.phase).toBe("revoked");
    expect(told.broken()).toEqual([]);
    told.ledger.rested();
    told.ledger.delivered(seat, revoked(), pulledAt);
    expect(told.broken().flat()).toContain("seek-lands");
    expect(first.phase).not.toBe("leaving");
  });

  it("begins the count anew of what came while it was on its way, and was taken by it", () => {
    const { told, seat, first } = underWay();
    const move = begin(told, seat, first.copy);
    const posting = told.publish();
    const taken = told.deliver(seat, posting, { position: 4 });
    (taken.message as RecordingMessage).revoke("moved");
    told.ledger.seeks.end(move);
    told.deliver(seat, first.copy.posting, { position: 1, deliveryCount: 1 });
    told.deliver(seat, posting, { position: 4, deliveryCount: 1 });
    expect(told.broken().flat()).not.toContain("delivery-count-grows");
  });

  it("decides nothing when another was called after it", () => {
    const { told, seat, second } = underWay();
    const earlier = begin(told, seat, "start");
    const later = begin(told, seat, second.copy);
    told.ledger.seeks.end(earlier);
    expect(owedIds(told, seat)).toEqual([]);
    told.ledger.seeks.end(later);
    expect(owedIds(told, seat)).toEqual([2, 3]);
  });
});

describe("a transaction", () => {
  it("hides what it holds from a group that opens meanwhile", () => {
    const told = new Told();
    const posting = told.send({ publisher: "t1", transaction: "t1" });
    told.ledger.transacted.heldBack(posting);
    told.deliver(told.open(), posting);
    expect(told.broken().flat()).toContain("transaction-visibility");
  });

  it("whose commit nobody knows the end of is there as a whole, or not at all", () => {
    const told = new Told();
    const seat = told.open();
    const postings = [told.send({ transaction: "t1" }), told.send({ transaction: "t1" })] as const;
    for (const posting of postings) told.ledger.transacted.heldBack(posting);
    told.ledger.transacted.committing(postings);
    for (const posting of postings) told.ledger.notSent(posting, undefined);
    told.ledger.transacted.undecided(postings);
    expect(owedIds(told, seat)).toEqual([]);
    told.deliver(seat, postings[0]);
    expect(owedIds(told, seat)).toEqual([2]);
  });
});

describe("a batch", () => {
  it("that forms while its subscriber is paused is handed out with what it had, and no more", () => {
    const told = new Told({ noPrefetch: true });
    const seat = told.open();
    const before = told.publish();
    told.ledger.forming(seat, true);
    const pulledAt = told.ledger.event;
    told.ledger.pausing(seat);
    told.ledger.rested();
    const after = told.publish();
    const handOut = (id: number): void => {
      const message = new RecordingMessage({ topic: "A", payload: `#${id};`, deliveryCount: 1 });
      told.ledger.delivered(seat, message, pulledAt);
    };
    handOut(before.id);
    expect(told.broken().flat()).not.toContain("pause-holds");
    handOut(after.id);
    expect(told.broken().flat()).toContain("pause-holds");
  });

  it("may have what was being published when its subscriber was paused", () => {
    const told = new Told({ noPrefetch: true });
    const seat = told.open();
    told.ledger.forming(seat, true);
    const pulledAt = told.ledger.event;
    const posting = told.send();
    told.ledger.pausing(seat);
    told.ledger.sent(posting);
    told.ledger.rested();
    const message = new RecordingMessage({ topic: "A", payload: `#${posting.id};`, deliveryCount: 1 });
    told.ledger.delivered(seat, message, pulledAt);
    expect(told.broken().flat()).not.toContain("pause-holds");
  });
});

describe("a delivery that is told of after the seek that its subscriber's end overtook", () => {
  /** The counts of the deliveries after it that break a law, of 1, 2 and 3. */
  function broken(strays: number): number[] {
    return [1, 2, 3].filter((count) => {
      const told = new Told({ countsExactly: true });
      const seat = told.open();
      const posting = told.publish();
      const pulledAt = told.ledger.event;
      const move = begin(told, seat, "start");
      for (let left = strays; left > 0; left -= 1) {
        const message = new RecordingMessage({ topic: "A", payload: `#${posting.id};`, deliveryCount: 1 });
        message.revoke("gone");
        told.ledger.delivered(seat, message, pulledAt);
      }
      told.ledger.seeks.end(move);
      told.leave(seat, "crash");
      told.ledger.rested();
      told.deliver(told.open(), posting, { deliveryCount: count });
      return told.broken().flat().includes("delivery-count-grows");
    });
  }

  it("may be counted by the broker, and need not be", () => {
    expect(broken(1)).toEqual([3]);
    expect(broken(0)).toEqual([2, 3]);
  });
});
