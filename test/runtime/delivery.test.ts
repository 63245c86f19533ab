import { describe, expect, it } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import { type HeadersInit, MessageHeaders } from "../../src/traits/headers.ts";
import { Message } from "../../src/traits/message.ts";

/** A message of a transport that does not count deliveries. */
class Uncounted extends Message {
  readonly topic = "test";
  readonly payload = new Uint8Array();
  readonly headers: MessageHeaders;

  constructor(headers: HeadersInit = {}) {
    super();
    this.headers = MessageHeaders.from(headers);
  }

  protected override sendAck(): void {}
  protected override sendNack(): void {}
}

const attemptOf = (message: Message): number => new Delivery(0, message).attempt;

describe("the attempt", () => {
  it("is the count of the broker where there is one", () => {
    expect(attemptOf(new RecordingMessage())).toBe(1);
    expect(attemptOf(new RecordingMessage({ deliveryCount: 4 }))).toBe(4);
  });

  it("is one more than the retries a copy carries, where nobody counts", () => {
    expect(attemptOf(new Uncounted())).toBe(1);
    expect(attemptOf(new Uncounted({ "X-RustStream-Retry-Count": "4" }))).toBe(5);
  });

  it("adds what a copy carries to what the broker counts of this copy", () => {
    const copied = { deliveryCount: 2, headers: { "x-ruststream-retry-count": "7" } };
    expect(attemptOf(new RecordingMessage(copied))).toBe(9);
  });

  it("takes a count from another topic for none, and one from its own for its own", () => {
    const count = { "x-ruststream-retry-count": "7" };
    expect(attemptOf(new Uncounted({ ...count, "x-tidelane-retry-topic": "orders" }))).toBe(1);
    expect(attemptOf(new Uncounted({ ...count, "X-Tidelane-Retry-Topic": "test" }))).toBe(8);
  });

  it.each(["", "two", "-1", "1.5", "1e3", " 3", "99999999999"])("takes %j for no count", (text) => {
    expect(attemptOf(new Uncounted({ "x-ruststream-retry-count": text }))).toBe(1);
  });

  it("grows with each retry in place", () => {
    const delivery = new Delivery(0, new RecordingMessage({ deliveryCount: 3 }));
    delivery.retries = 2;
    expect(delivery.attempt).toBe(5);
  });
});

describe("the signal of a delivery", () => {
  it("aborts with the revocation, read before or after", () => {
    const message = new RecordingMessage();
    const [before, after] = [new Delivery(0, message), new Delivery(1, message)];
    const { signal } = before;
    expect(signal.aborted).toBe(false);
    message.revoke("gone");
    expect([signal.reason, after.signal.reason]).toEqual([message.revoked, message.revoked]);
  });

  it("aborts when told to, read before or after", () => {
    const reason = new Error("stop");
    const read = new Delivery(0, new RecordingMessage());
    const unread = new Delivery(1, new RecordingMessage());
    const { signal } = read;
    for (const each of [read, unread]) each.abort(reason);
    expect([signal.reason, unread.signal.reason]).toEqual([reason, reason]);
    expect(unread.message.signal.aborted).toBe(false);
  });
});
