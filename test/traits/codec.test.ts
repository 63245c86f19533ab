import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { RecordingMessage } from "../../src/testing/recording-message.ts";
import {
  bytes,
  decoderOf,
  json,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
  text,
} from "../../src/traits/codec.ts";
import { DecodeError, InvalidArgumentError } from "../../src/traits/errors.ts";
import type { Message } from "../../src/traits/message.ts";

function carrying(payload: Uint8Array | string): Message {
  return new RecordingMessage({ topic: "orders", payload });
}

describe("what encode makes, decode gives back", () => {
  it("bytes: the very same", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        expect(bytes.encode(value)).toBe(value);
        expect(bytes.decode(carrying(value))).toBe(value);
      }),
    );
  });

  it("text: every well-formed string", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("\uFEFF", "\0", "é") }),
    );
    fc.assert(
      fc.property(anyText, (value) => {
        expect(text.decode(carrying(text.encode(value)))).toBe(value);
      }),
    );
  });

  it("json: every JSON value, strings with lone surrogates too", () => {
    const anyJson = fc.oneof(
      fc.jsonValue({ noUnicodeString: false }),
      fc.string({ unit: fc.constantFrom("\uFEFF", "\uD83D", "\n", '"') }),
    );
    fc.assert(
      fc.property(anyJson, (value) => {
        const arrived = json.decode(carrying(json.encode(value)));
        expect(arrived).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("what encode cannot carry is refused", () => {
  it.each([["\uD83D"], ["a\uDE00"], [5], [undefined]])("text.encode(%j)", (value) => {
    const encode = () => text.encode(value as string);
    expect(encode).toThrow(InvalidArgumentError);
    expect(encode).toThrow(/^text\.encode\(value\) must be a string without lone surrogates; received /);
  });

  it.each([[undefined], [() => 1], [Symbol("x")], [{ toJSON: () => undefined }]])(
    "json.encode(%o)",
    (value) => {
      const encode = () => json.encode(value);
      expect(encode).toThrow(InvalidArgumentError);
      expect(encode).toThrow(/^json\.encode\(value\) must be a value that JSON can carry; received /);
    },
  );

  it("json.encode of a bigint or a circle keeps the engine's own error", () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    expect(() => json.encode(1n)).toThrow(TypeError);
    expect(() => json.encode(circle)).toThrow(TypeError);
  });
});

describe("what does not decode is a DecodeError", () => {
  it("for bytes that are not UTF-8, and text that is not JSON", () => {
    expect(() => text.decode(carrying(Uint8Array.of(0xff)))).toThrow(DecodeError);
    expect(() => json.decode(carrying(Uint8Array.of(0xff)))).toThrow(DecodeError);
    expect(() => json.decode(carrying(""))).toThrow(DecodeError);
  });
});

it("each codec names its media type", () => {
  expect([bytes, text, json].map((codec) => codec.contentType)).toEqual([
    "application/octet-stream",
    "text/plain; charset=utf-8",
    "application/json",
  ]);
});

/** A schema that answers `result`, and whose validate fails without its receiver. */
class Answering<T> implements StandardSchema<unknown, T> {
  readonly seen: unknown[] = [];
  readonly #answer: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;

  constructor(answer: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>) {
    this.#answer = answer;
  }

  get "~standard"(): StandardSchema<unknown, T>["~standard"] {
    const { seen } = this;
    const answer = this.#answer;
    return {
      version: 1,
      vendor: "test",
      validate(value) {
        if (this.vendor !== "test") throw new Error("the receiver was lost");
        seen.push(value);
        return answer(value);
      },
    };
  }
}

describe("decoderOf(codec)", () => {
  it("is the codec's decode, with its receiver and the message", () => {
    const message = carrying("abc");
    const codec = {
      contentType: "text/plain",
      suffix: "!",
      decode(given: Message): string {
        return given.text() + this.suffix;
      },
      encode: text.encode,
    };
    expect(decoderOf(codec)(message)).toBe("abc!");
  });

  it("leaves a promise, and what decode throws, as they are", async () => {
    const late = Promise.resolve(1);
    const error = new Error("mine");
    expect(decoderOf({ ...json, decode: () => late })(carrying("1"))).toBe(late);
    const failing = decoderOf({
      ...json,
      decode: () => {
        throw error;
      },
    });
    expect(() => failing(carrying("1"))).toThrow(error);
  });
});

const found: SchemaResult<string> = { value: "checked" };

describe("decoderOf(schema)", () => {
  it("gives the schema the JSON of the payload, and its receiver, and takes the schema's value", () => {
    const schema = new Answering(() => found);
    expect(decoderOf(schema)(carrying('{"a":[1]}'))).toBe("checked");
    expect(schema.seen).toEqual([{ a: [1] }]);
  });

  it("takes an answer that comes later, from a promise or any thenable", async () => {
    expect(await decoderOf(new Answering(() => Promise.resolve(found)))(carrying("1"))).toBe("checked");
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is about
      then: <R>(settle: (result: SchemaResult<string>) => R): Promise<R> =>
        Promise.resolve(found).then(settle),
    } as Promise<SchemaResult<string>>;
    expect(await decoderOf(new Answering(() => thenable))(carrying("1"))).toBe("checked");
  });

  it("takes a value of undefined, and one that is falsy", () => {
    expect(decoderOf(new Answering(() => ({ value: undefined })))(carrying("1"))).toBeUndefined();
    expect(decoderOf(new Answering(() => ({ value: 0, issues: undefined })))(carrying("1"))).toBe(0);
  });

  it("does not ask the schema about a payload that is not JSON", () => {
    const schema = new Answering(() => found);
    expect(() => decoderOf(schema)(carrying("{"))).toThrow(
      /"orders" did not decode: the payload is not JSON/,
    );
    expect(schema.seen).toEqual([]);
  });

  it("leaves what the schema throws or rejects with as it is", async () => {
    const error = new Error("mine");
    const throwing = new Answering((): SchemaResult<string> => {
      throw error;
    });
    expect(() => decoderOf(throwing)(carrying("1"))).toThrow(error);
    await expect(decoderOf(new Answering(() => Promise.reject(error)))(carrying("1"))).rejects.toBe(error);
  });

  const secret = Symbol("secret");
  const issues: readonly SchemaIssue[] = [
    { message: "is no object" },
    { message: "is empty", path: [] },
    { message: "is missing", path: ["lines", 0, "sku"] },
    { message: "is odd", path: [secret] },
    { message: "is late", path: [{ key: "due" }, { key: 1 }, { key: secret }] },
    { message: "is unset", path: undefined },
  ];
  const paths = [[], [], ["lines", 0, "sku"], [secret], ["due", 1, secret], []];
  const sentence =
    'A payload from "orders" did not decode: the value does not fit the schema ((value): is no object; ' +
    "(value): is empty; lines[0].sku: is missing; Symbol(secret): is odd; due[1].Symbol(secret): is late; (value): is unset).";

  it.each<[string, () => SchemaResult<string> | Promise<SchemaResult<string>>]>([
    ["at once", () => ({ issues })],
    ["later", () => Promise.resolve({ issues })],
  ])("lists every issue with its path when they come %s", async (_when, answer) => {
    const decode = async () => decoderOf(new Answering(answer))(carrying("1"));
    const error = await decode().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({
      topic: "orders",
      issues: issues.map(({ message }, index) => ({ message, path: paths[index] })),
      message: sentence,
    });
  });

  it("fits a schema of zod, one that is asynchronous too", async () => {
    const order = z.object({ lines: z.array(z.object({ count: z.coerce.number().min(1) })) });
    expect(decoderOf(order)(carrying('{"lines":[{"count":"2"}],"other":1}'))).toEqual({
      lines: [{ count: 2 }],
    });
    expect(() => decoderOf(order)(carrying('{"lines":[{"count":0}]}'))).toThrow(/\(lines\[0\]\.count: /);
    const late = z.string().refine(async (value) => value === "yes", "is not yes");
    expect(await decoderOf(late)(carrying('"yes"'))).toBe("yes");
    await expect(decoderOf(late)(carrying('"no"'))).rejects.toThrow("((value): is not yes)");
  });
});
