import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import type { Posting } from "../../../conformance/model/posting.ts";
import { Told } from "./told.ts";

const strict = { countsExactly: true, noPrefetch: true };

describe("a delivery that was handed out in the turn in which its holder went", () => {
  it("is seen when another member has the message already, which counts it as the second", () => {
    const told = new Told(strict);
    const [leaving, other] = [told.open(), told.open()];
    told.ledger.rested();
    const posting = told.publish();
    told.ledger.leaving(leaving, "close");
    const second = told.deliver(other, posting, { deliveryCount: 2 });
    const headers = { "x-case": String(posting.id) };
    const message = new RecordingMessage({ topic: "A", payload: posting.payload, headers, deliveryCount: 1 });
    message.revoke("its subscriber was closed");
    told.ledger.delivered(leaving, message, told.ledger.event);
    expect(told.ledger.isHeld(second)).toBe(true);
    expect(told.broken()).toEqual([]);
  });

  it("has no part in a count once the broker was at rest", () => {
    const told = new Told(strict);
    const [leaving, other] = [told.open(), told.open()];
    const posting = told.publish();
    told.ledger.leaving(leaving, "close");
    told.ledger.rested();
    told.deliver(other, posting, { deliveryCount: 2 });
    expect(told.broken()).toEqual([["delivery-count-grows"]]);
  });
});

describe("where nothing is acked, a delivery that was handed out in the turn in which its subscription ended", () => {
  const unacked = { group: null, capabilities: { settlement: "none" } } as const;

  function message({ id, payload }: Posting, deliveryCount = 1): RecordingMessage {
    return new RecordingMessage({ topic: "A", payload, headers: { "x-case": String(id) }, deliveryCount });
  }

  it("is seen as it is, once the subscription is gone", () => {
    const told = new Told();
    const seat = told.open(unacked);
    const posting = told.publish();
    const pulledAt = told.ledger.event;
    told.leave(seat, "close");
    told.ledger.delivered(seat, message(posting), pulledAt);
    expect(told.broken()).toEqual([]);
  });

  it("is seen once", () => {
    const told = new Told();
    const seat = told.open(unacked);
    const posting = told.publish();
    const pulledAt = told.ledger.event;
    told.leave(seat, "close");
    told.ledger.delivered(seat, message(posting), pulledAt);
    told.ledger.delivered(seat, message(posting, 2), pulledAt);
    expect(told.broken()).toEqual([["quiet-after-close"]]);
  });

  it("was pulled before that end: a later pull is not to be answered with it", () => {
    const told = new Told();
    const seat = told.open(unacked);
    const posting = told.publish();
    told.leave(seat, "close");
    told.ledger.delivered(seat, message(posting), told.ledger.event + 1);
    expect(told.broken()).toEqual([["quiet-after-close"], ["quiet-after-close"]]);
  });

  it("was published before that end, whenever it was pulled", () => {
    const told = new Told();
    const seat = told.open(unacked);
    const pulledAt = told.ledger.event;
    told.leave(seat, "close");
    told.ledger.delivered(seat, message(told.publish()), pulledAt);
    expect(told.broken()).toEqual([["quiet-after-close"]]);
  });

  it("was seen before the broker came to rest", () => {
    const told = new Told();
    const seat = told.open(unacked);
    const posting = told.publish();
    const pulledAt = told.ledger.event;
    told.leave(seat, "close");
    told.ledger.rested();
    told.ledger.delivered(seat, message(posting), pulledAt);
    expect(told.broken()).toEqual([["quiet-after-close"], ["quiet-after-close"]]);
  });

  it("belongs to that end: what was over before comes to no later member of its group", () => {
    const told = new Told();
    const shared = { ...unacked, group: "g" };
    const first = told.open(shared);
    const posting = told.publish();
    told.leave(first, "close");
    const second = told.open(shared);
    const pulledAt = told.ledger.event;
    told.leave(second, "close");
    told.ledger.delivered(second, message(posting), pulledAt);
    expect(told.broken()).toEqual([["quiet-after-close"]]);
  });
});

describe("a delivery that was handed out in the turn in which its connection was lost, and came back", () => {
  function revokedMessage(id: number): RecordingMessage {
    const message = new RecordingMessage({
      topic: "A",
      payload: `#${id};`,
      headers: { "x-case": String(id) },
      deliveryCount: 1,
    });
    message.revoke("its connection was lost");
    return message;
  }

  it("is revoked when it is seen, and comes again", () => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    const pulledAt = told.ledger.event;
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    const delivery = told.ledger.delivered(seat, revokedMessage(posting.id), pulledAt);
    told.ledger.rested();
    expect(delivery?.phase).toBe("revoked");
    expect(told.ledger.owed(seat.group)).toHaveLength(1);
    expect(told.broken()).toEqual([]);
  });

  it("is held by whoever pulled after that, and may not be revoked", () => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    told.ledger.rested();
    told.ledger.delivered(seat, revokedMessage(posting.id), told.ledger.event);
    told.ledger.rested();
    expect(told.broken().flat()).toContain("settle-after-revocation");
  });
});
