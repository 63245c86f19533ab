import { describe, expect, it } from "vitest";
import { Told } from "./told.ts";

describe("an ack deadline", () => {
  it("counts, on real time, from when its message may have been handed out, however late that is told", () => {
    const told = new Told({}, false, false, false);
    const settings = { capabilities: { ackDeadlineMs: 100 } };
    const [first, second] = [told.open(settings), told.open(settings)];
    const posting = told.send();
    told.now = 50;
    told.ledger.sent(posting);
    told.deliver(first, posting);
    told.now = 100;
    told.deliver(second, posting);
    expect(told.broken()).toEqual([]);
    const again = told.publish();
    told.deliver(first, again);
    told.now = 199;
    told.deliver(second, again);
    expect(told.broken()).toEqual([["group-shares", "ack-deadline"]]);
  });

  it("counts, on real time, from the call that gives a message back, and not from its answer", () => {
    const told = new Told({}, false, false, false);
    const settings = { capabilities: { ackDeadlineMs: 100 } };
    const [first, second] = [told.open(settings), told.open(settings)];
    const posting = told.publish();
    const held = told.deliver(first, posting);
    told.now = 10;
    const ticket = told.ledger.settling(held, "requeue", 0);
    told.now = 40;
    told.ledger.settled(held, ticket, undefined);
    told.deliver(first, posting);
    told.now = 110;
    told.deliver(second, posting);
    expect(told.broken()).toEqual([]);
  });

  it("may be heard of late, on real time: a settle after it may be taken for the message", () => {
    for (const late of [true, false]) {
      const told = new Told({}, false, false, false);
      const settings = { capabilities: { ackDeadlineMs: 100 } };
      const [first, second] = [told.open(settings), told.open(settings)];
      const posting = told.publish();
      const held = told.deliver(first, posting);
      told.now = 150;
      told.deliver(second, posting);
      if (late) told.settle(held, "ack");
      told.leave(second, "close");
      expect(told.ledger.owed(first.group).length).toBe(late ? 0 : 1);
      expect(told.broken()).toEqual([]);
    }
  });

  const facts = { capabilities: { ackDeadlineMs: 1_000 } } as const;

  it("gives the message back when it has passed, and not before", () => {
    const told = new Told({ noPrefetch: true });
    const seat = told.open(facts);
    const posting = told.publish();
    const held = told.deliver(seat, posting);
    told.now = 999;
    told.ledger.rested();
    expect(told.ledger.starving(seat)).toBeUndefined();
    told.now = 1_000;
    told.ledger.rested();
    expect(told.ledger.starving(seat)?.posting).toBe(posting);
    expect(told.ledger.settling(held, "ack", 0).expected).toBe("revoked");
  });

  it("may have begun before the message was seen where a broker prefetches", () => {
    const told = new Told();
    const seat = told.open(facts);
    const posting = told.publish();
    told.now = 400;
    const held = told.deliver(seat, posting);
    told.now = 1_100;
    told.ledger.rested();
    expect(told.ledger.settling(held, "ack", 0).expected).toBe("ok or revoked");
    told.deliver(seat, posting);
    expect(told.broken()).toEqual([]);
  });

  it("begins afresh with keepAlive", () => {
    const told = new Told({ noPrefetch: true });
    const seat = told.open(facts);
    const held = told.deliver(seat, told.publish());
    told.now = 900;
    told.ledger.keptAlive(held, 900);
    told.now = 1_800;
    told.ledger.rested();
    expect(told.ledger.settling(held, "ack", 0).expected).toBe("ok");
  });
});
