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
