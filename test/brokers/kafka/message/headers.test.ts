import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClientHeaders } from "../../../../src/brokers/kafka/client.ts";
import { bufferOf, headersFor, headersFrom } from "../../../../src/brokers/kafka/message/headers.ts";
import { keyText, utf8Of } from "../../../../src/brokers/kafka/message/text.ts";
import { MessageHeaders } from "../../../../src/traits/headers.ts";

describe("headers from a record", () => {
  it("are text where they are text, else bytes", () => {
    const headers = headersFrom({
      text: Buffer.from("ä"),
      bom: Buffer.from("\ufeffx"),
      bytes: Buffer.from([255]),
      lines: Buffer.from("a\nb"),
      bare: "string",
    });
    expect([...headers]).toEqual([
      ["text", "ä"],
      ["bom", "\ufeffx"],
      ["bytes", new Uint8Array([255])],
      ["lines", new Uint8Array([97, 10, 98])],
      ["bare", "string"],
    ]);
  });

  it("keep values of one name in order, and read null as empty", () => {
    const headers = headersFrom({
      a: [Buffer.from("1"), Buffer.from("2")],
      b: null,
    } as unknown as ClientHeaders);
    expect([...headers]).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["b", new Uint8Array()],
    ]);
  });

  it("are rid of what kafkajs finds under names every object has", () => {
    const headers = headersFrom({ constructor: [Object, Buffer.from("1")] } as unknown as ClientHeaders);
    expect([...headers]).toEqual([["constructor", "1"]]);
  });

  it("may be none", () => {
    expect(headersFrom(undefined)).toBe(MessageHeaders.empty);
  });
});

const name = fc.oneof(
  fc.stringMatching(/^[a-zA-Z-]{1,8}$/),
  fc.constantFrom("__proto__", "constructor", "7"),
);
const value = fc.oneof(fc.stringMatching(/^[ -~é]*$/), fc.uint8Array({ maxLength: 8 }));

it("go out and come back with every name, value, and order of values", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), (pairs) => {
      const sent = MessageHeaders.from(pairs);
      const wire = headersFor(sent);
      const decoded: ClientHeaders = Object.create(null);
      for (const key of Object.keys(wire)) {
        decoded[key] = ([wire[key]].flat() as (Buffer | string)[]).map((one) => Buffer.from(one as string));
      }
      const back = headersFrom(decoded);
      expect(back.size).toBe(sent.size);
      for (const [key] of sent) {
        const bytes = (headers: MessageHeaders): string[] =>
          headers.getAll(key).map((one) => Buffer.from(one as string).toString("hex"));
        expect(bytes(back)).toEqual(bytes(sent));
      }
    }),
  );
});

it("values go to kafkajs as strings or Buffers only, which share their bytes", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const buffer = bufferOf(bytes);
  expect([...buffer]).toEqual([2, 3]);
  expect(buffer.buffer).toBe(bytes.buffer);
});

describe("a key as text", () => {
  it("is itself in UTF-8, and hexadecimal otherwise", () => {
    expect(keyText(Buffer.from("é\ufeff"))).toBe("é\ufeff");
    expect(keyText(Buffer.from([0xff, 0x00]))).toBe("0xff00");
  });

  it("is different for different keys that are not UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array({ minLength: 1 }), (a, b) => {
        fc.pre(utf8Of(a) === undefined && utf8Of(b) === undefined);
        expect(keyText(Buffer.from(a)) === keyText(Buffer.from(b))).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});
