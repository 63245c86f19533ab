import { decode, encode } from "cborg";
import type { Codec } from "../traits/codec.ts";
import { checkCarried } from "./carried.ts";

/**
 * CBOR (RFC 8949), by the package "cborg", in the shortest form of each value. It carries what JSON carries, and `NaN`,
 * infinities, bytes (`Uint8Array`) and bigints beyond the safe integers, up to 64 bits. Other values throw in `encode`, with
 * their path. A payload with tags, duplicate keys or bytes behind its value does not decode.
 */
export const cbor: Codec<unknown> = {
  contentType: "application/cbor",
  decode: ({ payload }) => decode(payload, { rejectDuplicateMapKeys: true }),
  encode: (value) => {
    checkCarried("cbor.encode(value)", value);
    return encode(value, { ignoreUndefinedProperties: true });
  },
};
