import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHeaders, fromClient, toClient } from "../../../../src/brokers/nats/message/headers.ts";
import { MessageHeaders } from "../../../../src/traits/index.ts";
import { FakeHeaders } from "../fake/fake-headers.ts";

const make = (): FakeHeaders => new FakeHeaders();

function roundTrip(headers: MessageHeaders): MessageHeaders {
  checkHeaders("t", headers);
  return fromClient(toClient(headers, [], make)).headers;
}

describe("headers", () => {
  it("keep names, values, and the order of the values of a name", () => {
    const sent = MessageHeaders.from([
      ["x-a", "1"],
      ["Content-Type", "text/plain"],
      ["X-A", "2"],
      ["x-a", ""],
    ]);
    const came = roundTrip(sent);
    expect(came.getAll("x-a")).toEqual(["1", "2", ""]);
    expect(came.get("content-type")).toBe("text/plain");
  });

  it("that are accepted arrive as they were", () => {
    const names = fc.stringMatching(/^[!-9;-~]{1,8}$/).filter((name) => !name.startsWith("Nats-"));
    const values = fc.string({ unit: "grapheme", maxLength: 8 }).filter((value) => !/[\r\n\0]/.test(value));
    const list = fc.array(fc.tuple(names, values), { maxLength: 6 });
    fc.assert(
      fc.property(list, (entries) => {
        const sent = MessageHeaders.from(entries);
        try {
          checkHeaders("t", sent);
        } catch {
          // What is refused was not sent.
          expect(entries.some(([, value]) => value.trim() !== value)).toBe(true);
          return;
        }
        const came = roundTrip(sent);
        for (const [name] of entries) expect(came.getAll(name)).toEqual(sent.getAll(name));
        expect(came.size).toBe(sent.size);
      }),
    );
  });

  it.each([
    ["ä", "1", "printable ASCII"],
    ["a b", "1", "printable ASCII"],
    ["Nats-Msg-Id", "1", "for the server to act on"],
    ["a", " 1", "space around"],
    ["a", "1\u00a0", "space around"],
  ])("refuse %s: %j", (name, value, why) => {
    expect(() => checkHeaders("t", MessageHeaders.from([[name, value]]))).toThrow(why);
  });

  it("are counted in bytes as they travel", () => {
    expect(checkHeaders("t", MessageHeaders.empty)).toBe(0);
    // NATS/1.0, a: é, and the empty line.
    expect(checkHeaders("t", MessageHeaders.from({ a: "é" }))).toBe(10 + "a: ".length + 2 + 2 + 2);
  });

  it("of the server are apart from those of the publisher", () => {
    const client = toClient(MessageHeaders.from({ a: "1" }), [["Nats-Msg-Id", "7"]], make);
    const { headers, reserved } = fromClient(client);
    expect([...headers]).toEqual([["a", "1"]]);
    expect([...reserved]).toEqual([["Nats-Msg-Id", "7"]]);
  });

  it("are left out where there are none", () => {
    expect(toClient(MessageHeaders.empty, [], make)).toBeUndefined();
    expect(fromClient(undefined).headers.size).toBe(0);
  });
});
