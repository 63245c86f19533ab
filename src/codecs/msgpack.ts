import { decode, encode } from "@msgpack/msgpack";
import type { Codec } from "../traits/codec.ts";
import { checkCarried } from "./carried.ts";

/**
 * MessagePack, with the package "@msgpack/msgpack". It carries what JSON carries, and `NaN`, infinities, bytes
 * (`Uint8Array`), and bigints beyond the safe integers, up to 64 bits. `encode` throws on other values, with their
 * path. A timestamp that another program wrote decodes to a `Date`.
 */
export const msgpack: Codec<unknown> = {
  contentType: "application/vnd.msgpack",
  decode: ({ payload }) => withNumbers(decode(payload, { useBigInt64: true })),
  encode: (value) => {
    checkCarried("msgpack.encode(value)", value);
    return encode(value, { ignoreUndefined: true, useBigInt64: true, maxDepth: 200 });
  },
};

/** The decoder gives every integer of 64 bits as a bigint; those a number can hold become one, in place. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) value[index] = withNumbers(value[index]);
  } else if (isPlain(value)) {
    for (const key of Object.keys(value)) value[key] = withNumbers(value[key]);
  }
  return value;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
