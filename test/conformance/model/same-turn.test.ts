import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
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
    message.lose("its subscriber was closed");
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

describe("a delivery that was handed out in the turn in which its connection was lost, and came back", () => {
  function lostMessage(id: number): RecordingMessage {
    const message = new RecordingMessage({
      topic: "A",
      payload: `#${id};`,
      headers: { "x-case": String(id) },
      deliveryCount: 1,
    });
    message.lose("its connection was lost");
    return message;
  }

  it("is lost when it is seen, and comes again", () => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    const pulledAt = told.ledger.event;
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    const delivery = told.ledger.delivered(seat, lostMessage(posting.id), pulledAt);
    told.ledger.rested();
    expect(delivery?.phase).toBe("lost");
    expect(told.ledger.owed(seat.group)).toHaveLength(1);
    expect(told.broken()).toEqual([]);
  });

  it("is held by whoever pulled after that, and may not be lost", () => {
    const told = new Told();
    const seat = told.open();
    const posting = told.publish();
    told.ledger.leaving(seat, "crash");
    told.ledger.left(seat, "crash", true);
    told.ledger.rested();
    told.ledger.delivered(seat, lostMessage(posting.id), told.ledger.event);
    told.ledger.rested();
    expect(told.broken().flat()).toContain("settle-after-loss");
  });
});
