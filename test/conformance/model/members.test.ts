import { type Capabilities, DeliveryRevokedError } from "tidelane";
import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import type { StrictPromises } from "../../../conformance/fixture.ts";
import type { Posting } from "../../../conformance/model/posting.ts";
import type { Delivery, Seat } from "../../../conformance/model/records.ts";
import { Told } from "./told.ts";

describe("a publish that nobody confirmed", () => {
  it("may be overtaken by a subscription, whatever connection opens it", () => {
    for (const [connection, confirmation] of [
      ["c1", "none"],
      ["c2", "none"],
      ["c1", "broker"],
    ] as const) {
      const told = new Told();
      const posting = told.publish(undefined, confirmation);
      told.deliver(told.open({ connection, capabilities: { backlog: false } }), posting);
      expect(told.broken()).toEqual(confirmation === "none" ? [] : [["backlog"]]);
    }
  });
});

describe("a publish that nobody confirmed, where calls of one connection keep their order", () => {
  const strict = { ordersCalls: true };

  it("is not for a group that its connection opens afterwards", () => {
    for (const [connection, publisher, broken] of [
      ["c1", "c1", [["backlog"]]],
      ["c2", "c1", []],
      ["c1", "c1's second publisher", []],
    ] as const) {
      const told = new Told(strict);
      const posting = told.publish(undefined, "none", publisher);
      told.deliver(told.open({ connection }), posting);
      expect(told.broken()).toEqual(broken);
    }
  });

  it("may be for one that another connection opens as well, while neither is open", () => {
    const told = new Told(strict);
    const posting = told.publish(undefined, "none");
    told.begin({ connection: "c1" });
    const other = told.open({ connection: "c2" });
    told.deliver(other, posting);
    expect(told.broken()).toEqual([]);
  });

  it("may be overtaken after a crash, and while its call is not answered", () => {
    const told = new Told(strict);
    told.leave(told.open({ group: null }), "crash");
    const posting = told.publish(undefined, "none");
    told.deliver(told.open(), posting);
    const calm = new Told(strict);
    const sending = calm.send({ confirmation: "none" });
    calm.deliver(calm.open(), sending);
    expect([...told.broken(), ...calm.broken()]).toEqual([]);
  });
});

describe("a group that is being opened for the first time", () => {
  it("excuses that a publish is refused until it is open, and not afterwards", () => {
    const told = new Told();
    const early = told.send();
    expect(told.ledger.overlapsFirstOpening(early)).toBe(false);
    const [first, second] = [told.begin(), told.begin()];
    const meanwhile = told.send();
    expect(told.ledger.overlapsFirstOpening(meanwhile)).toBe(true);
    told.ledger.opened(first);
    expect(told.ledger.overlapsFirstOpening(meanwhile)).toBe(true);
    const later = told.send();
    expect(told.ledger.overlapsFirstOpening(later)).toBe(false);
    told.ledger.opened(second);
    expect(told.ledger.overlapsFirstOpening(later)).toBe(false);
  });
});

describe("a subscription that is being closed", () => {
  it("is not opened again by a connection that comes back meanwhile", () => {
    const told = new Told();
    const seat = told.open();
    told.ledger.leaving(seat, "close");
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    expect(seat.state).toBe("closing");
    told.ledger.left(seat, "close");
    expect(seat.state).toBe("closed");
  });

  it("is open again after a crash alone that its connection survives", () => {
    const told = new Told();
    const seat = told.open();
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    expect(seat.state).toBe("open");
  });
});

describe("a member that leaves while something is being published, where maxDeliveries is 1", () => {
  const options = { deadLetter: { topic: "D", maxDeliveries: 1 } };

  /** What the group is owed of a message whose publish is answered when a member has died. */
  function owed(noPrefetch: boolean, virtual = true): number {
    const told = new Told({ noPrefetch }, false, false, virtual);
    const seat = told.open({ options });
    const posting = told.send();
    told.leave(seat, "crash");
    if (!virtual) told.ledger.rested();
    told.ledger.sent(posting);
    return told.ledger.owed(seat.group).length;
  }

  it("may have fetched it unseen, and used up its one delivery", () => {
    expect(owed(false)).toBe(0);
  });

  it("may have, on real time, however late its publish is answered", () => {
    expect(owed(false, false)).toBe(0);
  });

  it("has not, where nothing is fetched before it is asked for", () => {
    expect(owed(true)).toBe(1);
  });

  it("has no part in what is published later", () => {
    const told = new Told();
    const seat = told.open({ options });
    told.leave(seat, "crash");
    told.ledger.rested();
    told.publish();
    expect(told.ledger.owed(seat.group)).toHaveLength(1);
  });
});

describe("a member that leaves before a requeue is answered, where maxDeliveries is 2", () => {
  const options = { deadLetter: { topic: "D", maxDeliveries: 2 } };

  /** What the group is owed of a message that goes back by `how` while a member closes. */
  function owed(promises: StrictPromises, how: "requeue" | "delay"): number {
    const told = new Told(promises);
    const [seat, other] = [told.open({ options }), told.open({ options })];
    const delivery = told.deliver(seat, told.publish());
    const ticket = told.ledger.settling(delivery, how, 100);
    told.ledger.leaving(other, "close");
    told.ledger.settled(delivery, ticket, undefined);
    return told.ledger.owed(seat.group).length;
  }

  it("may have fetched the message again, and used up its deliveries", () => {
    expect(owed({}, "requeue")).toBe(0);
  });

  it("has not, where nothing is fetched before it is asked for, or the message is still delayed", () => {
    expect(owed({ noPrefetch: true }, "requeue")).toBe(1);
    expect(owed({}, "delay")).toBe(1);
  });
});

describe("a group that rebalances", () => {
  /** A delivery of the first of two members. */
  function joined(changes?: Partial<Capabilities>): {
    told: Told;
    posting: Posting;
    held: Delivery;
    other: Seat;
  } {
    const told = new Told({}, true);
    const seat = told.open({ capabilities: changes ?? {} });
    const posting = told.publish();
    const held = told.deliver(seat, posting);
    return { told, posting, held, other: told.open({ capabilities: changes ?? {} }) };
  }

  const move = (delivery: Delivery): void => {
    if (delivery.message instanceof RecordingMessage) delivery.message.revoke("moved");
  };

  it("may take what a member holds, which then is owed, and refuses its settle", () => {
    const { told, posting, held, other } = joined();
    move(held);
    told.ledger.rested();
    expect(told.ledger.owed(other.group).map((copy) => copy.posting)).toEqual([posting]);
    told.settle(held, "ack");
    expect(told.broken()).toEqual([["settle-after-revocation"]]);
    told.deliver(other, posting);
    expect(told.broken()).toEqual([]);
  });

  it("takes nothing without a word: what says it is held must not come to another", () => {
    const { told, posting, other } = joined();
    told.deliver(other, posting);
    expect(told.broken()).toEqual([["group-shares"]]);
  });

  it("may refuse a settle as revoked, as its move may not have shown yet", () => {
    const { told, posting, held, other } = joined();
    const ticket = told.ledger.settling(held, "ack", 0);
    move(held);
    told.ledger.settled(held, ticket, new DeliveryRevokedError({ topic: "A", reason: "moved" }));
    told.deliver(other, posting);
    expect(told.broken()).toEqual([]);
  });

  it("ends the delays a member keeps, and not those the server keeps", () => {
    for (const delayedRequeue of ["local", "native"] as const) {
      const { told, posting, held, other } = joined({ delayedRequeue });
      told.settle(held, "delay", 100);
      told.deliver(other, posting);
      expect(told.broken()).toEqual(delayedRequeue === "local" ? [] : [["nack-after-never-early"]]);
    }
  });

  it("is one only with a second member, and where the fixture says so", () => {
    for (const [rebalances, members] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const told = new Told({}, rebalances);
      const seat = told.open();
      const held = told.deliver(seat, told.publish());
      if (members === 2) told.open();
      move(held);
      told.ledger.rested();
      expect(told.broken()).toEqual([["settle-after-revocation", "conservation"]]);
    }
  });
});

describe("a member whose opening failed, where nobody settles", () => {
  const capabilities = { settlement: "none", requeue: false } as const;

  it("may have been given what was published meanwhile, and nothing that is published later", () => {
    const told = new Told();
    const open = told.open({ capabilities });
    const failing = told.begin({ capabilities, connection: "c2" });
    const answered = told.publish();
    const late = told.send();
    told.ledger.openFailed(failing);
    told.ledger.sent(late);
    const next = told.publish();
    const owed = told.ledger.owed(open.group).map(({ posting }) => posting);
    expect(owed).toEqual([next]);
    told.deliver(open, answered);
    expect(told.broken()).toEqual([]);
  });

  it("may be given, on real time, what is published until the server notices that its connection is gone", () => {
    const told = new Told({}, false, false, false);
    const open = told.open({ capabilities });
    told.ledger.openFailed(told.begin({ capabilities, connection: "c2" }));
    told.publish();
    expect(told.ledger.owed(open.group)).toEqual([]);
    told.now = 1_000;
    const later = told.publish();
    expect(told.ledger.owed(open.group).map(({ posting }) => posting)).toEqual([later]);
  });

  it("leaves a group that nobody else has open without a promise, until the next member is", () => {
    const told = new Told();
    const first = told.open({ capabilities });
    const failing = told.begin({ capabilities, connection: "c2" });
    told.ledger.leaving(first, "close");
    told.ledger.left(first, "close");
    const between = told.publish();
    told.ledger.openFailed(failing);
    const last = told.begin({ capabilities, connection: "c3" });
    const opening = told.publish();
    const owed = (): unknown[] => told.ledger.owed(last.group).map(({ posting }) => posting);
    expect([between, opening].filter((posting) => owed().includes(posting))).toEqual([]);
    told.ledger.opened(last);
    expect([told.publish()]).toEqual(owed());
  });

  it("takes nothing from a group whose messages wait for their settle", () => {
    const told = new Told();
    const open = told.open();
    const failing = told.begin({ connection: "c2" });
    const posting = told.publish();
    told.ledger.openFailed(failing);
    expect(told.ledger.owed(open.group).map((copy) => copy.posting)).toEqual([posting]);
  });
});

describe("a group whose first opening failed", () => {
  const settings = { capabilities: { backlog: false } } as const;

  it("may be given what came after that, and need not", () => {
    const told = new Told();
    told.ledger.openFailed(told.begin(settings));
    const [given, missing] = [told.publish(), told.publish()];
    const seat = told.open(settings);
    told.deliver(seat, given);
    expect(told.ledger.owed(seat.group)).toEqual([]);
    expect(missing.state).toBe("sent");
    expect(told.broken()).toEqual([]);
  });

  it("is not given what came before that", () => {
    const told = new Told();
    const early = told.publish();
    told.ledger.openFailed(told.begin(settings));
    told.deliver(told.open(settings), early);
    expect(told.broken()).toEqual([["backlog"]]);
  });
});

describe("a settle that is answered while a crash takes its connection", () => {
  function crossed(promises: { settlesSurviveCrash?: boolean }): { told: Told; posting: Posting } {
    const told = new Told(promises);
    const seat = told.open();
    const posting = told.publish();
    const held = told.deliver(seat, posting);
    const ticket = told.ledger.settling(held, "ack", 0);
    told.ledger.leaving(seat, "crash");
    told.ledger.settled(held, ticket, undefined);
    told.ledger.left(seat, "crash");
    return { told, posting };
  }

  it("may not have reached the broker, which delivers the message again", () => {
    const { told, posting } = crossed({});
    told.deliver(told.open({ connection: "c2" }), posting);
    expect(told.broken()).toEqual([]);
  });

  it("holds where settles survive a crash", () => {
    const { told, posting } = crossed({ settlesSurviveCrash: true });
    told.deliver(told.open({ connection: "c2" }), posting);
    expect(told.broken()).toEqual([["ack-is-final"]]);
  });
});

describe("a member that died, where nobody settles", () => {
  it("may be given, for a second, what its group is published: a server notices late", () => {
    const told = new Told({}, false, false, false);
    const capabilities = { settlement: "none", requeue: false } as const;
    const dying = told.open({ capabilities });
    const other = told.open({ capabilities, connection: "c2" });
    told.ledger.leaving(dying, "crash");
    told.ledger.left(dying, "crash");
    told.publish();
    expect(told.ledger.owed(other.group)).toEqual([]);
    told.now += 1_000;
    const later = told.publish();
    expect(told.ledger.owed(other.group).map(({ posting }) => posting)).toEqual([later]);
  });
});
