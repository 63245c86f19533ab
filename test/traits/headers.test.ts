import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { InvalidArgumentError } from "../../src/traits/errors.ts";
import { type HeadersInit, type HeaderValue, headerNames, MessageHeaders } from "../../src/traits/headers.ts";

const utf8 = new TextEncoder();
/** Few names in several cases, so that they meet. */
const names = fc.constantFrom("a", "A", "content-type", "Content-Type", "CONTENT-TYPE", "x");
const values: fc.Arbitrary<HeaderValue> = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.uint8Array({ maxLength: 8 }),
);
const pairs = fc.array(fc.tuple(names, values), { maxLength: 12, size: "max" });

const sameName =
  (wanted: string) =>
  ([name]: readonly [string, HeaderValue]): boolean =>
    name.toLowerCase() === wanted.toLowerCase();

describe("headers from pairs", () => {
  it("keep order, duplicates, case and values as they were", () => {
    fc.assert(
      fc.property(pairs, (given) => {
        const headers = MessageHeaders.from(given);
        expect([...headers]).toEqual(given);
        expect(headers.size).toBe(given.length);
      }),
    );
  });

  it("find by name without regard to case, the first of several", () => {
    fc.assert(
      fc.property(pairs, names, (given, name) => {
        const headers = MessageHeaders.from(given);
        const found = given.filter(sameName(name)).map(([, value]) => value);
        expect(headers.has(name)).toBe(found.length > 0);
        expect(headers.getAll(name)).toEqual(found);
        const [first] = found;
        const asBytes = typeof first === "string" ? utf8.encode(first) : first;
        expect(headers.getBytes(name)).toEqual(asBytes);
        if (first === undefined || typeof first === "string") expect(headers.get(name)).toBe(first);
      }),
    );
  });

  it("with() puts one value at the end; without() takes all of a name away; neither changes the original", () => {
    fc.assert(
      fc.property(pairs, names, values, (given, name, value) => {
        const headers = MessageHeaders.from(given);
        const others = given.filter((entry) => !sameName(name)(entry));
        expect([...headers.with(name, value)]).toEqual([...others, [name, value]]);
        expect([...headers.without(name)]).toEqual(others);
        expect([...headers]).toEqual(given);
      }),
    );
  });

  it("take any iterable, once", () => {
    const once = new Map<string, HeaderValue>([
      ["b", "1"],
      ["a", "2"],
    ]).entries();
    const headers = MessageHeaders.from(once);
    expect([...headers]).toEqual([
      ["b", "1"],
      ["a", "2"],
    ]);
    expect([...headers]).toHaveLength(2);
  });

  it("do not change when the list they came from does", () => {
    const given: [string, HeaderValue][] = [["a", "1"]];
    const headers = MessageHeaders.from(given);
    given.push(["b", "2"]);
    const [first] = given;
    if (first) first[1] = "changed";
    expect([...headers]).toEqual([["a", "1"]]);
  });
});

describe("headers from a record", () => {
  it("are its entries in order", () => {
    const headers = MessageHeaders.from({ b: "1", a: Uint8Array.of(2) });
    expect([...headers]).toEqual([
      ["b", "1"],
      ["a", Uint8Array.of(2)],
    ]);
  });

  it("know names that every object inherits only when they are there", () => {
    const headers = MessageHeaders.from({ constructor: "mine" });
    expect(headers.get("constructor")).toBe("mine");
    expect(headers.has("toString")).toBe(false);
    expect(headers.has("__proto__")).toBe(false);
  });
});

describe("headers from headers", () => {
  it("are the same object", () => {
    const headers = MessageHeaders.from({ a: "1" });
    expect(MessageHeaders.from(headers)).toBe(headers);
  });

  it.each([[undefined], [{}], [[]], [new Map()]])("from %o are the empty ones", (init) => {
    expect(MessageHeaders.from(init)).toBe(MessageHeaders.empty);
    expect(MessageHeaders.empty.size).toBe(0);
    expect(MessageHeaders.empty.get("a")).toBeUndefined();
    expect(MessageHeaders.empty.getBytes("a")).toBeUndefined();
    expect(MessageHeaders.empty.getAll("a")).toEqual([]);
  });
});

describe("text and bytes", () => {
  it("read each other as UTF-8, exactly", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(MessageHeaders.from({ a: utf8.encode(text) }).get("a")).toBe(text);
        expect(MessageHeaders.from({ a: text }).getBytes("a")).toEqual(utf8.encode(text));
      }),
    );
  });

  it("keep a byte order mark, which is part of the value", () => {
    expect(MessageHeaders.from({ a: utf8.encode("\uFEFFa") }).get("a")).toBe("\uFEFFa");
  });

  it("replace bytes that are not UTF-8 in get(), and nowhere else", () => {
    const value = Uint8Array.of(0x61, 0xff);
    const headers = MessageHeaders.from({ a: value });
    expect(headers.get("a")).toBe("a\uFFFD");
    expect(headers.getBytes("a")).toBe(value);
    expect(headers.getAll("a")).toEqual([value]);
  });

  it("are decoded when they are read as text, one by one, and not before", () => {
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    onTestFinished(() => decode.mockRestore());
    const headers = MessageHeaders.from({ a: utf8.encode("1"), b: utf8.encode("2") }).with(
      "c",
      utf8.encode("3"),
    );
    expect([
      ...headers.without("b"),
      headers.has("a"),
      headers.getBytes("a"),
      headers.getAll("c"),
    ]).toHaveLength(5);
    expect(decode).not.toHaveBeenCalled();
    expect(headers.get("b")).toBe("2");
    expect(decode).toHaveBeenCalledTimes(1);
  });

  it("tell an empty value from none", () => {
    const headers = MessageHeaders.from({ text: "", bytes: new Uint8Array() });
    expect(headers.get("text")).toBe("");
    expect(headers.get("bytes")).toBe("");
    expect(headers.getBytes("text")).toEqual(new Uint8Array());
    expect(headers.has("text")).toBe(true);
  });
});

describe("what no headers can be made from", () => {
  it.each([[null], ["ab"], [5], [true], [() => 1]])("%o is refused", (init) => {
    const from = () => MessageHeaders.from(init as unknown as HeadersInit);
    expect(from).toThrow(InvalidArgumentError);
    expect(from).toThrow(/^headers must be headers, a record or pairs; received /);
  });

  it.each([[["ab"]], [[5]], [[undefined]], [Uint8Array.of(1)], [new Set(["ab"])]])(
    "%o has no pairs",
    (init) => {
      const from = () => MessageHeaders.from(init as unknown as HeadersInit);
      expect(from).toThrow(InvalidArgumentError);
      expect(from).toThrow(/^headers must be pairs of name and value; received /);
    },
  );
});

it("headerNames are lower case, and each is another", () => {
  const all = Object.values(headerNames);
  expect(all).toEqual(all.map((name) => name.toLowerCase()));
  expect(new Set(all).size).toBe(all.length);
});
