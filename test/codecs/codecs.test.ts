import fc from "fast-check";
import { bytes, type Codec, InvalidArgumentError, json, text } from "tidelane";
import { cbor } from "tidelane/cbor";
import { codecLaws } from "tidelane/conformance";
import { msgpack } from "tidelane/msgpack";
import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it, test } from "vitest";

const positiveZero = (value: number): number => (Object.is(value, -0) ? 0 : value);
const word = fc.string({ unit: "binary" }).filter((key) => key !== "__proto__");
const bigints = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
  .filter((value) => !Number.isSafeInteger(Number(value)));
const leaves = fc.oneof(fc.constant(null), fc.boolean(), fc.double().map(positiveZero), word);
const binary = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaves,
    fc.uint8Array(),
    bigints,
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }).map(positiveZero),
    fc.array(tie("value")),
    fc.dictionary(word, tie("value"), { noNullPrototype: true }),
  ),
})).value;

const cyclic: unknown[] = [];
cyclic.push(cyclic);
const unfit = fc.constantFrom<unknown>(
  undefined,
  () => 1,
  Symbol("no"),
  cyclic,
  new Map([["a", 1]]),
  new Set([1]),
  new Date(0),
  /x/,
  new (class Order {})(),
  new Float32Array(1),
  2n ** 64n,
  5n,
  "\ud800",
  { "\ud800": 1 },
  JSON.parse('{ "__proto__": 1 }'),
  { [Symbol("key")]: 1 },
  new Array(3),
);
const nested = fc.oneof(
  unfit,
  unfit.filter((value) => value !== undefined).map((value) => ({ field: value })),
  unfit.map((value) => [value]),
);

codecLaws({ test, codec: cbor, name: "cbor", carries: binary, refuses: nested });
codecLaws({ test, codec: msgpack, name: "msgpack", carries: binary, refuses: nested });
codecLaws({
  test,
  codec: text,
  name: "text",
  carries: fc.string({ unit: "binary" }),
  refuses: fc.constantFrom("\ud800", 3, null, undefined),
});
codecLaws({
  test,
  codec: bytes,
  name: "bytes",
  carries: fc.uint8Array(),
});
codecLaws({
  test,
  codec: json,
  name: "json",
  carries: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
  refuses: fc.constantFrom<unknown>(undefined, () => 1, Symbol("no"), 5n, cyclic),
});

describe.each([
  ["cbor", cbor],
  ["msgpack", msgpack],
])("%s", (_name, codec) => {
  const decode = (payload: Uint8Array): unknown => codec.decode(new RecordingMessage({ payload }));

  it("leaves out a property that is undefined, as JSON does", () => {
    expect(decode(codec.encode({ a: undefined, b: 1 }))).toEqual({ b: 1 });
  });

  it("names the place of what it cannot carry", () => {
    expect(() => codec.encode({ lines: [{ sku: new Date(0) }] })).toThrow(InvalidArgumentError);
    expect(() => codec.encode({ lines: [{ sku: new Date(0) }] })).toThrow(
      ".encode(value).lines[0].sku must be null, a boolean, number, 64-bit bigint, string, Uint8Array, or an array or plain object of these; received an object (Date).",
    );
  });

  it("gives whole numbers of 64 bits as numbers where a number holds them, and else as bigints", () => {
    const sent = { at: 1_731_000_000_123, id: 2n ** 63n };
    expect(decode(codec.encode(sent))).toEqual(sent);
  });

  it("refuses bytes behind the value, and a payload that is cut short", () => {
    const payload = codec.encode({ a: [1, 2, 3] });
    expect(() => decode(Uint8Array.from([...payload, 0]))).toThrow();
    expect(() => decode(payload.slice(0, -1))).toThrow();
  });

  it("does not let a payload reach a prototype", () => {
    const hostile = codec === cbor ? "a1695f5f70726f746f5f5fa16161f5" : "81a95f5f70726f746f5f5f81a161c3";
    let got: unknown = {};
    try {
      got = decode(Uint8Array.from(Buffer.from(hostile, "hex")));
    } catch {
      // Refused is as good.
    }
    expect((got as { a?: unknown }).a).toBeUndefined();
    expect(({} as { a?: unknown }).a).toBeUndefined();
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
  });
});

describe("the laws of codecs see", () => {
  const shared = new Uint8Array(64);
  const faulty: Readonly<Record<string, Partial<Codec<unknown>>>> = {
    "its content type": { contentType: "json" },
    "decodes to the same value": { decode: () => 1 },
    "leaves the bytes": {
      encode: (value) => {
        const payload = json.encode(value);
        shared.set(payload);
        return shared.subarray(0, payload.length);
      },
    },
    "changes no payload": {
      decode: (message) => {
        const value = message.json();
        message.payload.fill(32);
        return value;
      },
    },
    "bytes of any kind": {
      decode: (message) => {
        try {
          return message.json();
        } catch {
          throw "no JSON";
        }
      },
    },
    "it cannot carry": {
      encode: (value) => json.encode(value ?? null),
    },
  };

  const failing = async (codec: Codec<unknown>): Promise<string[]> => {
    const failed: string[] = [];
    const bodies: [string, () => Promise<void>][] = [];
    codecLaws({
      test: (name, body) => bodies.push([name, body]),
      codec,
      name: "own",
      carries: fc.constantFrom("tea", "ale"),
      refuses: fc.constant(undefined),
      seed: 1,
    });
    for (const [name, body] of bodies) await body().catch(() => failed.push(name));
    return failed;
  };

  it("nothing wrong with a sound codec", async () => {
    expect(await failing(json)).toEqual([]);
  });

  it.each(Object.entries(faulty))("a fault in: %s", async (law, fault) => {
    expect(await failing({ ...json, ...fault })).toContainEqual(expect.stringContaining(law));
  });

  it("a misspelt option", () => {
    expect(() => codecLaws({ test, codec: json, name: "json", carrys: fc.string() } as never)).toThrow(
      'codecLaws(options) has no option "carrys"; the nearest one is "carries"',
    );
  });
});
