import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../conformance/model/records.ts";
import { guardFault } from "../../../conformance/model/signals.ts";
import { Told } from "./told.ts";

const expiring = { capabilities: { ackDeadlineMs: 100 } };

function revoke({ message }: Delivery): void {
  if (message instanceof RecordingMessage) message.revoke("gone");
}

describe("a delivery that is revoked", () => {
  it("says so at its ack deadline, whether or not anybody settles it", () => {
    for (const says of [true, false]) {
      const told = new Told({ noPrefetch: true });
      const delivery = told.deliver(told.open(expiring), told.publish());
      told.now = 100;
      if (says) revoke(delivery);
      told.ledger.rested();
      expect(told.broken()).toEqual(says ? [] : [["settle-after-revocation", "ack-deadline"]]);
    }
  });

  it("is reported once, however often the broker rests", () => {
    const told = new Told({ noPrefetch: true });
    told.deliver(told.open(expiring), told.publish());
    told.now = 100;
    told.ledger.rested();
    told.broken();
    told.ledger.rested();
    expect(told.broken()).toEqual([]);
  });

  it("is not one that was settled, unless its connection crashed", () => {
    for (const how of ["close", "crash"] as const) {
      const told = new Told({ settlesSurviveCrash: true });
      const seat = told.open();
      const delivery = told.deliver(seat, told.publish());
      told.settle(delivery, "ack");
      told.leave(seat, how);
      revoke(delivery);
      told.ledger.rested();
      expect(told.broken()).toEqual(how === "crash" ? [] : [["settle-after-revocation"]]);
    }
  });
});

describe("the guard of a message", () => {
  it("says that the delivery is settled when a settle resolved, and that it is not when none was possible", async () => {
    const told = new Told();
    const delivery = told.deliver(told.open(), told.publish());
    expect(guardFault(delivery, undefined, "held")?.laws).toEqual(["single-use"]);
    await delivery.message.ack();
    expect(guardFault(delivery, undefined, "held")).toBeUndefined();
  });

  it("has aborted the signal when a settle rejects with the revocation", async () => {
    const told = new Told();
    const delivery = told.deliver(told.open(), told.publish());
    revoke(delivery);
    const error = await delivery.message.ack().catch((reason: unknown) => reason);
    expect(guardFault(delivery, error, "over")).toBeUndefined();
    const other = told.deliver(told.open(), told.publish());
    expect(guardFault(other, error, "over")?.laws).toEqual(["settle-after-revocation"]);
  });
});

it("a close that is over while a settle has no answer says which one", () => {
  const told = new Told();
  const seat = told.open();
  const delivery = told.deliver(seat, told.publish());
  told.ledger.settling(delivery, "requeue", 0);
  told.ledger.leaving(seat, "close");
  told.ledger.left(seat, "close");
  expect(told.broken()).toEqual([["close-returns-unsettled", "settle-after-revocation"]]);
});
