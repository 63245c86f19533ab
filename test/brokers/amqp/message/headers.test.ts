import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AmqpProperties } from "../../../../src/brokers/amqp/client.ts";
import { readHeaders, splitTopic, writeHeaders } from "../../../../src/brokers/amqp/message/headers.ts";
import { type HeadersInit, MessageHeaders } from "../../../../src/traits/index.ts";

function write(init: HeadersInit, taken: Parameters<typeof writeHeaders>[2] = {}) {
  const { headers, ...others } = writeHeaders("orders", MessageHeaders.from(init), taken);
  return { ...others, headers: { ...headers } };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("writeHeaders", () => {
  it("puts those with a property of their own there, and the others into the table", () => {
    const written = write({
      "Content-Type": "text/plain",
      "correlation-id": "7",
      "message-id": "m",
      "reply-to": "replies",
      trace: "1",
    });
    expect(written).toEqual({
      contentType: "text/plain",
      correlationId: "7",
      messageId: "m",
      replyTo: "replies",
      headers: { trace: "1" },
    });
  });

  it("makes one array of a name that occurs several times, in whatever case", () => {
    const written = write([
      ["X-A", "1"],
      ["b", "2"],
      ["x-a", bytes(3)],
      ["X-A", "4"],
    ]);
    expect(written.headers).toEqual({ "X-A": ["1", Buffer.from([3]), "4"], b: "2" });
  });

  it("puts into the table what does not fit a property: bytes, several values, more than 255 bytes", () => {
    const long = "x".repeat(256);
    expect(write({ "content-type": bytes(1) })).toEqual({ headers: { "content-type": Buffer.from([1]) } });
    expect(write([...twice("message-id", "a", "b")])).toEqual({ headers: { "message-id": ["a", "b"] } });
    expect(write({ "correlation-id": long })).toEqual({ headers: { "correlation-id": long } });
  });

  it("gives a property that is taken to whoever took it", () => {
    expect(write({ "correlation-id": "mine" }, { correlationId: "1", replyTo: "here" })).toEqual({
      correlationId: "1",
      replyTo: "here",
      headers: { "correlation-id": "mine" },
    });
  });

  it.each([
    "CC",
    "BCC",
    "__proto__",
    "x-death",
    "x-delivery-count",
    "x-first-death-queue",
    "x-tidelane-delayed-topic",
  ])("refuses %s, which would not arrive", (name) => {
    expect(() => write([[name, "1"]])).toThrow(
      expect.objectContaining({ code: "TIDELANE_INVALID_MESSAGE", message: expect.stringContaining(name) }),
    );
  });

  it("refuses a name of more than 255 bytes, and more headers than one frame holds", () => {
    expect(() => write({ ["é".repeat(128)]: "1" })).toThrow(/more than 255 bytes/);
    expect(() => write({ a: "x".repeat(60_001) })).toThrow(/its headers take 60014 bytes/);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`name-${index}`, "value"]));
    expect(Object.keys(write(many).headers)).toHaveLength(500);
  });
});

describe("readHeaders", () => {
  it("tells what other clients send as text: numbers, booleans, timestamps, nothing, tables", () => {
    const headers = readHeaders({
      headers: {
        count: 5,
        flag: true,
        none: null,
        when: { "!": "timestamp", value: 1_700_000_000 },
        nested: { a: [1, 2] },
        mixed: ["a", 1],
      },
    });
    expect([...headers]).toEqual([
      ["count", "5"],
      ["flag", "true"],
      ["none", ""],
      ["when", "1700000000"],
      ["nested", '{"a":[1,2]}'],
      ["mixed", '["a",1]'],
    ]);
  });

  it("leaves out what became of the message on the server", () => {
    const headers = readHeaders({
      headers: {
        a: "1",
        "x-delivery-count": 3,
        "x-first-death-reason": "rejected",
        "x-last-death-queue": "q",
      },
    });
    expect([...headers]).toEqual([["a", "1"]]);
  });

  it("says of a dead letter why, and from where, in the words of all brokers", () => {
    const death = { reason: "rejected", queue: "orders.eu", exchange: "x", "routing-keys": ["orders"] };
    const waited = {
      reason: "expired",
      queue: "orders.eu.delay.500",
      "routing-keys": ["orders.eu.delay.500"],
    };
    const headers = readHeaders({ headers: { "x-death": [waited, death] } });
    expect(headers.get("x-tidelane-dead-letter-reason")).toBe("rejected");
    expect(headers.get("x-tidelane-dead-letter-source")).toBe("orders");
    expect([...readHeaders({ headers: { "x-death": [waited] } })]).toEqual([]);
    const said = readHeaders({ headers: { "x-death": [death], "x-tidelane-dead-letter-reason": "mine" } });
    expect([...said]).toEqual([["x-tidelane-dead-letter-reason", "mine"]]);
  });

  it("makes nothing of a history that another program made up", () => {
    for (const history of [5, "x", [null], ["a"], [{ queue: "q" }], [{ queue: 5, reason: "r" }], {}]) {
      expect([...readHeaders({ headers: { "x-death": history, a: "1" } })]).toEqual([["a", "1"]]);
    }
    const death = { queue: "q", reason: "rejected", "routing-keys": 5 };
    const headers = readHeaders({ headers: { "x-death": [death] } });
    expect(headers.get("x-tidelane-dead-letter-source")).toBe("q");
  });

  it("gives text of several lines as bytes, and leaves out what leads copies elsewhere: both can be published again", () => {
    const headers = readHeaders({
      contentType: "a\r\nb",
      replyTo: "c\0",
      headers: { "x-a": "one\ntwo", many: ["a", "\0"], CC: ["elsewhere"], BCC: ["there"] },
    });
    expect([...headers]).toEqual([
      ["content-type", new TextEncoder().encode("a\r\nb")],
      ["reply-to", new TextEncoder().encode("c\0")],
      ["x-a", new TextEncoder().encode("one\ntwo")],
      ["many", "a"],
      ["many", bytes(0)],
    ]);
    expect(headers.get("x-a")).toBe("one\ntwo");
    expect(() => writeHeaders("dead", headers, {})).not.toThrow();
  });

  it("encodes what must not be in a name, so that it can be published again", () => {
    const names = ["cloudEvents:type", " a\u00a0", "a\nb", "", "a b", "100%", "ü"];
    const headers = readHeaders({ headers: Object.fromEntries(names.map((name) => [name, "1"])) });
    expect(Array.from(headers, ([name]) => name)).toEqual([
      ...["cloudEvents%3Atype", "%20a%C2%A0", "a%0Ab", "%", "a b", "100%", "ü"],
    ]);
  });

  it("joins the correlation id to an address of direct reply-to, and to no other", () => {
    const direct = { replyTo: "amq.rabbitmq.reply-to.abc.d==", correlationId: "1" };
    expect(readHeaders(direct).get("reply-to")).toBe("amq.rabbitmq.reply-to.abc.d==#1");
    expect(readHeaders({ replyTo: "replies", correlationId: "1" }).get("reply-to")).toBe("replies");
  });
});

describe("a request that is passed on with its headers", () => {
  const replyTo = "amq.rabbitmq.reply-to.abc.d==";
  const pass = (from: AmqpProperties, topic = "orders", taken = {}): AmqpProperties =>
    writeHeaders(topic, readHeaders(from), taken) as AmqpProperties;

  it("has its address and its correlation id where it had them, over any number of hops", () => {
    const once = pass({ replyTo, correlationId: "5", messageId: "m", headers: { a: "1" } });
    expect(once).toMatchObject({ replyTo, correlationId: "5", messageId: "m", headers: { a: "1" } });
    expect(Object.keys(once.headers ?? {})).toEqual(["a"]);
    expect(pass(pass(once))).toEqual(once);
  });

  it("keeps a correlation id of its sender's own beside them", () => {
    const sent = writeHeaders("orders", MessageHeaders.from({ "correlation-id": "mine" }), {
      correlationId: "5",
      replyTo,
    }) as AmqpProperties;
    const twice = pass(pass(sent));
    expect(twice).toMatchObject({ replyTo, correlationId: "5", headers: { "correlation-id": "mine" } });
    expect(readHeaders(twice).get("reply-to")).toBe(`${replyTo}#5`);
    expect(readHeaders(twice).get("correlation-id")).toBe("mine");
  });

  it("without its correlation id is answered still, and in whatever case its names are", () => {
    const headers = MessageHeaders.from({ "Reply-To": `${replyTo}#5` });
    expect(writeHeaders("orders", headers, {})).toMatchObject({ replyTo, correlationId: "5", headers: {} });
  });

  it("as the answer to another request keeps the text, as the correlation id is that of the other", () => {
    const answer = pass({ replyTo, correlationId: "5" }, "amq.rabbitmq.reply-to.x", { correlationId: "7" });
    expect(answer).toMatchObject({
      replyTo: undefined,
      correlationId: "7",
      headers: { "reply-to": `${replyTo}#5`, "correlation-id": "5" },
    });
    expect(readHeaders(answer).get("reply-to")).toBe(`${replyTo}#5`);
  });

  it("leaves every other address as it is", () => {
    const other = { replyTo: "replies#5", correlationId: "1" };
    expect(pass(other)).toMatchObject(other);
    const long = `${replyTo}#${"5".repeat(256)}`;
    const kept = writeHeaders("orders", MessageHeaders.from({ "reply-to": long }), {});
    expect(kept).toMatchObject({ replyTo: undefined, headers: { "reply-to": long } });
  });
});

describe("splitTopic", () => {
  it("undoes what readHeaders joins", () => {
    const replyTo = "amq.rabbitmq.reply-to.abc.d==";
    const address = readHeaders({ replyTo, correlationId: "a#b" }).get("reply-to") ?? "";
    expect(splitTopic(address)).toEqual({ routingKey: replyTo, correlationId: "a#b", reply: true });
    expect(splitTopic(replyTo)).toEqual({ routingKey: replyTo, correlationId: undefined, reply: true });
  });

  it("leaves every other topic as it is", () => {
    expect(splitTopic("a#b")).toEqual({ routingKey: "a#b", correlationId: undefined, reply: false });
  });
});

it("headers come as they went, but for the case of later spellings and the order among names", () => {
  const names = fc.constantFrom(
    "a",
    "A",
    "content-type",
    "Content-Type",
    "reply-to",
    "message-id",
    "7",
    "constructor",
  );
  const values = fc.oneof(fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 10 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 8 }), (entries) => {
      const headers = MessageHeaders.from(entries);
      const arrived = readHeaders(writeHeaders("orders", headers, {}) as AmqpProperties);
      expect(byName(arrived)).toEqual(byName(headers));
    }),
  );
});

function byName(headers: MessageHeaders): Record<string, string[]> {
  const found: Record<string, string[]> = Object.create(null);
  for (const [name, value] of headers) {
    const shown = typeof value === "string" ? `text ${value}` : `bytes ${Buffer.from(value).toString("hex")}`;
    found[name.toLowerCase()] = [...(found[name.toLowerCase()] ?? []), shown];
  }
  return found;
}

function* twice(name: string, ...values: string[]): Generator<readonly [string, string]> {
  for (const value of values) yield [name, value];
}
