import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";

/** Printable ASCII without space around it, and not long: every transport carries it wherever text stands. */
const plain = /^[!-~](?:[ -~]{0,198}[!-~])?$/;

export function isPlainText(text: string): boolean {
  return plain.test(text);
}

/** What is often changed on the way: trimmed, folded, normalized, decoded, cut, taken for nothing or for another type. */
const telling: readonly string[] = [
  "",
  "A",
  " a",
  "a ",
  "\ta",
  "0",
  "007",
  "null",
  "0x61",
  "%41",
  "a+b&c=d",
  'a "b" \\c\\',
  "a:b",
  "a,b; c",
  "=?utf-8?q?a?=",
  "ä",
  "a\u0308",
  "ß",
  "İ",
  "日本",
  "👩‍👩‍👧",
  "\u00a0",
  "\u200b",
  "\ufeffa",
  "\ufffd",
  "\u2028",
  "a\u0001",
  "a\u007f",
];

/** What text of UTF-8, or one line of it, cannot hold. */
const broken: readonly string[] = ["\ud800", "a\udc00", "\udc00\ud800", "a\nb", "a\r\nb: c", "\0", "a\0b"];

/** Any text at all. A broker carries it exactly, or refuses it. */
export const anyText: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...telling) },
  { weight: 2, arbitrary: fc.constantFrom(...broken) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(300, 255, 256, 5_000).map((length) => "k".repeat(length)) },
);
