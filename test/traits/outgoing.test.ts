import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PublisherCapabilities } from "../../src/traits/capabilities.ts";
import { InvalidArgumentError, InvalidMessageError } from "../../src/traits/errors.ts";
import { type HeadersInit, type HeaderValue, MessageHeaders } from "../../src/traits/headers.ts";
import { type CheckedMessage, checkOutgoing } from "../../src/traits/outgoing.ts";
import type { OutgoingMessage } from "../../src/traits/publisher.ts";

const wide: PublisherCapabilities = {
  confirmation: "broker",
  headerValues: "bytes",
  duplicateHeaders: true,
  maxPayloadBytes: Number.POSITIVE_INFINITY,
  transactions: false,
  requestReply: false,
};
const narrow: PublisherCapabilities = {
  ...wide,
  headerValues: "text",
  duplicateHeaders: false,
  maxPayloadBytes: 10,
};

function check(message: object, limits = wide, keyHeader = true): CheckedMessage {
  return checkOutgoing({ topic: "orders", payload: "x", ...message } as OutgoingMessage, limits, {
    keyHeader: keyHeader && "partition-key",
  });
}

function refusal(message: object, limits = wide, keyHeader = true): InvalidMessageError {
  try {
    check(message, limits, keyHeader);
  } catch (error) {
    if (error instanceof InvalidMessageError) return error;
    throw error;
  }
  throw new Error("it was let through");
}

const broken: readonly [what: string, text: string][] = [
  ["CR", "a\rb"],
  ["LF", "a\nb"],
  ["NUL", "a\0b"],
  ["a lone high surrogate", "a\uD83D"],
  ["a lone low surrogate", "\uDE00a"],
];

describe("a topic", () => {
  it.each(["orders", "a.b.c", "a b", "größe", "🚚"])("%j passes as it is", (topic) => {
    expect(check({ topic }).topic).toBe(topic);
  });

  it.each([[""], [undefined], [null], [5], [["orders"]]])("%j is not one", (topic) => {
    expect(refusal({ topic }).reason).toBe("a topic is a non-empty string");
  });

  it("that cannot be written is named by its kind", () => {
    expect(refusal({ topic: Object.create(null) }).topic).toBe("an object (without a name)");
    expect(refusal({ topic: undefined }).message).toBe(
      'The message for "undefined" was not sent: a topic is a non-empty string.',
    );
  });

  it.each(["\0", "a\nb", "a\tb", "a\x7f", "a\x85b"])("%j has a control character", (topic) => {
    const error = refusal({ topic });
    expect(error.reason).toBe("a topic has no control characters");
    expect(error.topic).toBe(topic);
    expect(error.message).not.toMatch(/[\r\n\0]/);
  });

  it.each(["\uD83D", "a\uDE00b"])("%j is not text", (topic) => {
    expect(refusal({ topic }).reason).toContain("lone surrogate");
  });
});

describe("a payload", () => {
  it("of bytes is the same bytes, of text is its UTF-8", () => {
    const bytes = Uint8Array.of(0, 255);
    expect(check({ payload: bytes }).payload).toBe(bytes);
    expect(check({ payload: Buffer.from("ab") }).payload).toEqual(Buffer.from("ab"));
    expect(check({ payload: "é\0" }).payload).toEqual(Uint8Array.of(0xc3, 0xa9, 0));
    expect(check({ payload: "" }).payload).toEqual(new Uint8Array());
  });

  it.each([[undefined], [null], [5], [{}], [[1, 2]], [new ArrayBuffer(1)], [new Uint16Array(1)]])(
    "%o is neither text nor bytes",
    (payload) => {
      expect(refusal({ payload }).reason).toBe("its payload is neither a string nor a Uint8Array");
    },
  );

  it("passes at the limit, in bytes and not in characters, and not one byte above it", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.string({ unit: "grapheme", maxLength: 12 }), (limit, text) => {
        const limits = { ...wide, maxPayloadBytes: limit };
        const encoded = new TextEncoder().encode(text);
        for (const payload of [text, encoded]) {
          if (encoded.byteLength <= limit) expect(check({ payload }, limits).payload).toEqual(encoded);
          else
            expect(refusal({ payload }, limits).reason).toBe(
              `its payload has ${encoded.byteLength} bytes, and the limit here is ${limit}`,
            );
        }
      }),
    );
    expect(check({ payload: "0123456789" }, narrow).payload).toHaveLength(10);
    expect(refusal({ payload: "012345678é" }, narrow).reason).toContain("11 bytes");
  });

  it("of text with a lone surrogate is not text, and would arrive as something else", () => {
    expect(refusal({ payload: "a\uD83D" }).reason).toContain("lone surrogate");
  });
});

describe("a header value", () => {
  it.each(broken)("with %s is refused, and the header is named", (_what, value) => {
    const error = refusal({ headers: { fine: "yes", trace: value } });
    expect(error.reason).toMatch(/^the header "trace" has (CR, LF or NUL|a lone surrogate) in its value/);
  });

  it.each(broken.slice(0, 3))("in bytes carries %s where bytes are carried", (_what, value) => {
    const bytes = new Uint8Array(Buffer.from(value));
    expect(check({ headers: { trace: bytes } }).headers.getBytes("trace")).toBe(bytes);
  });

  it("in bytes is refused where only text is carried", () => {
    const error = refusal({ headers: { trace: Uint8Array.of(65) } }, narrow);
    expect(error.reason).toBe(
      'the header "trace" has a value in bytes, and this transport carries text only',
    );
  });

  it.each([[undefined], [null], [5], [true], [{}], [["a"]]])("%o is neither text nor bytes", (value) => {
    const error = refusal({ headers: [["trace", value]] });
    expect(error.reason).toBe('the header "trace" has a value that is neither text nor bytes');
  });

  it.each(["", " ", "\t", "größe", "🚚", "a:b", "\x7f"])("%j passes", (value) => {
    expect(check({ headers: { trace: value } }, narrow).headers.get("trace")).toBe(value);
  });
});

describe("a header name", () => {
  it.each([[""], [undefined], [5]])("%j is none", (name) => {
    expect(refusal({ headers: [[name, "x"]] }).reason).toContain("has no name");
  });

  it.each(["a:b", " a", "a ", "a\u00a0", "a\rb", "a\nb", "a\0b", "a\tb", "a\x7fb"])("%j breaks", (name) => {
    expect(refusal({ headers: { [name]: "x" } }).reason).toContain(
      "has a control character, a colon, or space",
    );
  });

  it.each(["a\uD83D", "\uDE00"])("%j is not text", (name) => {
    expect(refusal({ headers: { [name]: "x" } }).reason).toContain("lone surrogate");
  });

  it.each([
    ["Trace", "trace"],
    ["trace", "Trace"],
    ["trace", "trace"],
  ])(
    "that occurs twice, as %s and %s, passes only where the transport carries duplicates",
    (first, second) => {
      const headers: HeadersInit = [
        [first, "1"],
        [second, "2"],
      ];
      expect([...check({ headers }).headers]).toEqual(headers);
      expect(refusal({ headers }, narrow).reason).toBe(
        `the header "${second}" occurs twice, which this transport cannot carry`,
      );
    },
  );
});

describe("headers", () => {
  it.each([[null], [5], ["ab"], [["ab"]], [[["a", "1"], null]]])("cannot be made from %j", (headers) => {
    const error = refusal({ headers });
    expect(error.reason).toBe("its headers are neither a record nor pairs of name and value");
    expect(error.cause).toBeInstanceOf(InvalidArgumentError);
  });
});

describe("a field", () => {
  it("that no message has is refused with the nearest name", () => {
    expect(() => check({ keys: "ann" })).toThrow(
      'publish(message) has no option "keys"; the nearest one is "key".',
    );
  });

  it("of one transport alone is taken there", () => {
    const message = { topic: "orders", payload: "x", partition: 1 };
    const more = { partition: true } as const;
    expect(checkOutgoing(message, wide, { keyHeader: false, more }).topic).toBe("orders");
    expect(() => checkOutgoing(message, wide, { keyHeader: false })).toThrow(/has no option "partition"/);
  });
});

describe("a key", () => {
  it("travels in the partition-key header where the transport has no other place", () => {
    const checked = check({ key: "k", headers: { a: "1" } });
    expect(checked.key).toBe("k");
    expect([...checked.headers]).toEqual([
      ["a", "1"],
      ["partition-key", "k"],
    ]);
  });

  it("leaves the headers alone where the record has a key", () => {
    const headers = MessageHeaders.from({ "partition-key": "another" });
    const checked = check({ key: "k", headers }, wide, false);
    expect(checked.key).toBe("k");
    expect(checked.headers).toBe(headers);
    expect(check({ headers }, wide, false).key).toBeUndefined();
  });

  it("may be stated as the header alone, or as both when they agree", () => {
    const headers = { "Partition-Key": "k" };
    expect(check({ headers }).key).toBe("k");
    const both = check({ key: "k", headers });
    expect(both.key).toBe("k");
    expect([...both.headers]).toEqual([["Partition-Key", "k"]]);
  });

  it("that its header contradicts is refused, with both named", () => {
    expect(refusal({ key: "k", headers: { "Partition-Key": "other" } }).reason).toBe(
      'its key is "k" and its "partition-key" header says "other"',
    );
    expect(refusal({ key: "", headers: { "partition-key": "other" } }).reason).toContain('its key is ""');
  });

  it("of no characters is a key", () => {
    const checked = check({ key: "" });
    expect(checked.key).toBe("");
    expect(checked.headers.get("partition-key")).toBe("");
  });

  it("is not there without one", () => {
    const checked = check({});
    expect(checked.key).toBeUndefined();
    expect(checked.headers).toBe(MessageHeaders.empty);
  });

  it.each([[5], [null], [Uint8Array.of(1)], [{}]])("%o is not a string", (key) => {
    for (const keyHeader of [true, false])
      expect(refusal({ key }, wide, keyHeader).reason).toBe("its key is not a string");
  });

  it.each(broken)("with %s is refused", (_what, key) => {
    for (const keyHeader of [true, false])
      expect(refusal({ key }, wide, keyHeader).reason).toMatch(/^its key has /);
  });
});

it("every refusal is one sentence that names the topic and says nothing was sent", () => {
  for (const message of [{ payload: 5 }, { key: 5 }, { headers: { a: "\r" } }, { payload: "0123456789A" }])
    expect(refusal(message, narrow).message).toMatch(/^The message for "orders" was not sent: [^\n]+[^.]\.$/);
});

describe("what passes", () => {
  const character = fc.constantFrom(
    "a",
    "B",
    ":",
    " ",
    "\t",
    "\r",
    "\n",
    "\0",
    "é",
    "\uD83D",
    "\uDE00",
    "\x7f",
  );
  const anyText = fc.array(character, { maxLength: 4 }).map((parts) => parts.join(""));
  const anyValue: fc.Arbitrary<HeaderValue> = fc.oneof(anyText, fc.uint8Array({ maxLength: 3 }));
  const anyMessage = fc.record(
    {
      topic: fc.oneof(fc.constant("orders"), anyText),
      payload: fc.oneof(anyText, fc.uint8Array({ maxLength: 14 })),
      headers: fc.array(fc.tuple(fc.oneof(fc.constantFrom("a", "A", "b"), anyText), anyValue), {
        maxLength: 4,
      }),
      key: fc.oneof(fc.constant("k"), anyText),
    },
    { requiredKeys: ["topic", "payload"] },
  );

  /** A line transport, as strict as any: one header a line, `name: value`, UTF-8. */
  function overTheWire(headers: Iterable<readonly [string, string]>): [string, string][] {
    const block = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(block));
    return text
      .split(/\r\n|[\r\n\0]/)
      .slice(0, -1)
      .map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 2)]);
  }

  it("arrives over a line transport as it was given", () => {
    let passed = 0;
    fc.assert(
      fc.property(anyMessage, fc.boolean(), (message, keyHeader) => {
        let checked: CheckedMessage;
        try {
          checked = checkOutgoing(message, narrow, { keyHeader: keyHeader && "partition-key" });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidMessageError);
          return;
        }
        passed += 1;
        const sent = [...checked.headers] as [string, string][];
        expect(sent.filter(([, value]) => typeof value !== "string")).toEqual([]);
        expect(overTheWire(sent)).toEqual(sent);
        expect(new Set(sent.map(([name]) => name.toLowerCase())).size).toBe(sent.length);
        expect(sent.slice(0, message.headers?.length ?? 0)).toEqual(message.headers ?? []);
        expect(checked.topic).toBe(message.topic);
        expect(checked.payload.byteLength).toBeLessThanOrEqual(narrow.maxPayloadBytes);
        expect(Buffer.from(checked.payload)).toEqual(Buffer.from(message.payload));
        if (typeof message.payload === "string")
          expect(new TextDecoder().decode(checked.payload)).toBe(message.payload);
        if (message.key !== undefined) expect(checked.key).toBe(message.key);
        if (keyHeader) expect(checked.headers.get("partition-key")).toBe(checked.key);
      }),
      { numRuns: 2_000 },
    );
    expect(passed).toBeGreaterThan(100);
  });
});
