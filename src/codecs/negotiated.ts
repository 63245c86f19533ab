import { checkCount } from "../traits/arguments.ts";
import type { Codec } from "../traits/codec.ts";
import { DecodeError, InvalidArgumentError } from "../traits/errors.ts";
import { headerNames } from "../traits/headers.ts";

/**
 * A codec that decodes several formats. The `content-type` header of a message chooses. It encodes with the first
 * one. The first one also decodes a message without a content type, or with `application/octet-stream`. A content
 * type that none of the codecs has does not decode.
 *
 * @example
 * const orders = channel("orders", { schema: Order, codec: anyOf(cbor, json) });
 */
export function anyOf<T>(first: Codec<T>, ...others: readonly Codec<T>[]): Codec<T> {
  const byKind = new Map<string, Codec<T>>();
  for (const [index, codec] of [first, ...others].entries()) {
    const argument = `anyOf(...codecs): codec ${index + 1}`;
    checkCodec(argument, codec);
    const kind = kindOf(codec.contentType);
    if (byKind.has(kind)) {
      const expected = "of another content type than those before it";
      throw new InvalidArgumentError({ argument, expected, received: codec.contentType });
    }
    byKind.set(kind, codec);
  }
  return {
    contentType: first.contentType,
    encode: (value) => first.encode(value),
    decode: (message) => {
      const contentType = message.headers.get(headerNames.contentType) ?? unspecific;
      const chosen = byKind.get(kindOf(contentType)) ?? (contentType === unspecific ? first : undefined);
      if (chosen !== undefined) return chosen.decode(message);
      const taken = Array.from(byKind.values(), (codec) => codec.contentType).join(" or ");
      const reason = `its content-type is "${contentType}", and what is taken is ${taken}`;
      throw new DecodeError({ topic: message.topic, reason });
    },
  };
}

/** Said of bytes of any kind. */
const unspecific = "application/octet-stream";

/**
 * A codec with a limit. It does not decode a payload of more than `bytes` bytes, and `encode` throws if a value
 * needs more.
 *
 * @example
 * const orders = channel("orders", { schema: Order, codec: maxBytes(64_000, json) });
 */
export function maxBytes<T>(bytes: number, codec: Codec<T>): Codec<T> {
  checkCount("maxBytes(bytes, codec)", bytes);
  checkCodec("maxBytes(bytes, codec): codec", codec);
  return {
    contentType: codec.contentType,
    encode: (value) => {
      const payload = codec.encode(value);
      if (payload.byteLength <= bytes) return payload;
      throw new InvalidArgumentError({
        argument: "encode(value)",
        expected: `a value of at most ${bytes} bytes`,
        received: payload.byteLength,
      });
    },
    decode: (message) => {
      const { byteLength } = message.payload;
      if (byteLength <= bytes) return codec.decode(message);
      const reason = `it has ${byteLength} bytes, and at most ${bytes} are decoded`;
      throw new DecodeError({ topic: message.topic, reason });
    },
  };
}

/** What a content type says of the bytes: `json` of "application/vnd.acme+json; charset=utf-8", `msgpack` of "application/x-msgpack". */
function kindOf(contentType: string): string {
  const [type = ""] = contentType.toLowerCase().split(";");
  const subtype = type.trim().split(/[/+]/).pop() ?? "";
  return subtype.replace(/^(x-|vnd\.)/, "");
}

function checkCodec(argument: string, codec: unknown): void {
  const { decode, encode, contentType } = (codec ?? {}) as Partial<Codec<unknown>>;
  if (typeof decode === "function" && typeof encode === "function" && typeof contentType === "string") return;
  const expected = "a codec: json, text, bytes, one of an entry point, or your own";
  throw new InvalidArgumentError({ argument, expected, received: codec });
}
