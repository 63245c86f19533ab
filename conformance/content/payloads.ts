import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";

/** How the bytes of a payload lie in memory: in a buffer of their own, or somewhere in a larger one. */
export type Layout = "alone" | "view" | "shared" | "Buffer";

export const layouts: Arbitrary<Layout> = fc.constantFrom<Layout[]>("view", "alone", "shared", "Buffer");

/** What stands in the larger buffer around the payload. */
const before = 5;
const after = 3;
const surroundings = 0x7e;

/** The same bytes, where the layout says. */
export function laidOut(bytes: Uint8Array, layout: Layout): Uint8Array {
  if (layout === "alone") return bytes;
  const size = before + bytes.byteLength + after;
  const memory = layout === "shared" ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
  const whole = new Uint8Array(memory).fill(surroundings);
  whole.set(bytes, before);
  return layout === "Buffer"
    ? Buffer.from(memory, before, bytes.byteLength)
    : whole.subarray(before, before + bytes.byteLength);
}

/** A payload of the largest size there is; with a larger limit than this one is not tried, which would only fill the memory. */
export const largestTried: number = 2 ** 21;

/** What is told to be changed: byte order marks, line ends, JSON, characters beyond the first plane. */
export const payloadTexts: Arbitrary<string> = fc.oneof(
  fc.constantFrom("", " ", "é", "😀", "\ufeff", "{}", " a\r\n", "\0", "a\u0308"),
  fc.string({ unit: "binary", maxLength: 12 }),
);

/** Bytes as they are, without an id in front: the empty payload, one byte, what is not UTF-8. */
export const bareBytes: Arbitrary<Uint8Array> = fc
  .constantFrom([], [0], [255], [0, 0], [13, 10], [0xc3, 0x28], [0xef, 0xbb, 0xbf])
  .map((bytes) => Uint8Array.from(bytes));

/** More than fits one read of a socket, and what stands on either side of the sizes that buffers have. */
export const largeBytes: Arbitrary<Uint8Array> = fc
  .constantFrom(70_000, 1_000, 33_000, 255, 256, 1_024, 4_096, 8_192, 65_535, 65_536)
  .map((length) => new Uint8Array(length).map((_, index) => (index * 31) % 256));
