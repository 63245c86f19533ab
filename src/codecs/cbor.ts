import { decode, encode } from "cborg";
import type { Codec } from "../traits/codec.ts";
import { checkCarried } from "./carried.ts";

/**
 * CBOR (RFC 8949), with the package "cborg". It carries what JSON carries, and `NaN`, infinities, bytes
 * (`Uint8Array`), and bigints beyond the safe integers, up to 64 bits. `encode` throws on other values, with their
 * path, and uses the shortest form of each value. A payload with tags, duplicate keys, or bytes after its value
 * does not decode.
 */
export const cbor: Codec<unknown> = {
  contentType: "application/cbor",
  decode: ({ payload }) => decode(payload, { rejectDuplicateMapKeys: true }),
  encode: (value) => {
    checkCarried("cbor.encode(value)", value);
    return encode(value, { ignoreUndefinedProperties: true });
  },
};
