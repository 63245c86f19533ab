import { describe, expect, it } from "vitest";
import { nakAfter, readAckSubject } from "../../../../src/brokers/jetstream/message/ack.ts";

const decoder = new TextDecoder();

describe("the reply subject of a delivery", () => {
  const facts = {
    stream: "S",
    consumer: "c",
    deliveries: 2,
    sequence: 7,
    consumerSequence: 9,
    storedAt: 1_700_000_000_123,
    pending: 5,
  };

  it("is read in its older form", () => {
    expect(readAckSubject("$JS.ACK.S.c.2.7.9.1700000000123000000.5")).toEqual(facts);
  });

  it("is read in its newer form, whatever comes after", () => {
    expect(readAckSubject("$JS.ACK._.hash.S.c.2.7.9.1700000000123000000.5")).toEqual(facts);
    expect(readAckSubject("$JS.ACK.hub.hash.S.c.2.7.9.1700000000123000000.5.random")).toEqual(facts);
  });

  it.each([
    undefined,
    "",
    "_INBOX.x.1",
    "$JS.ACK.S.c.2",
    "$JS.ACK.S.c.2.x.9.17.5",
    "$JS.ACK.a.b.S.c.2.7.9.17",
  ])("is nothing else: %s", (reply) => {
    expect(readAckSubject(reply)).toBeUndefined();
  });
});

describe("a requeue with a delay", () => {
  it.each([
    [0, "-NAK"],
    [1, '-NAK {"delay":1000000}'],
    [0.1, '-NAK {"delay":1000000}'],
    [30_000, '-NAK {"delay":30000000000}'],
    // What 64 bits hold at most.
    [Number.MAX_VALUE, '-NAK {"delay":9223372036854775807}'],
  ])("of %d ms is %s", (delayMs, text) => {
    expect(decoder.decode(nakAfter(delayMs))).toBe(text);
  });
});
