import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";

/** Two names that a broker may take for one, or make one of. */
type NamePair = readonly [name: string, neighbor: string];

const long = "k".repeat(299);
const lessLong = "k".repeat(180);

/** What stands behind the name of the history. */
const endings: readonly NamePair[] = [
  ["a", "A"],
  ["a_b", "a-b"],
  ["a..b", "a.b"],
  ["a.", "a"],
  [".a", "a"],
  ["..", "a"],
  ["a/b", "a_b"],
  ["a/../b", "b"],
  ["a//b", "a/b"],
  ["a/", "a"],
  ["a\\b", "a/b"],
  ["a b", "a_b"],
  ["a ", "a"],
  [" a", "a"],
  ["a%2Fb", "a/b"],
  ["a+b", "a b"],
  ["a#b", "a"],
  ["a?b", "a"],
  ["a:b", "a_b"],
  ["a,b", "a;b"],
  ["a'b", 'a"b'],
  ["a|b", "a&b"],
  ["a*", "ab"],
  ["a>", "ab"],
  ["$a", "a"],
  ["~", "-"],
  ["{a}", "[a]"],
  ["é", "e\u0301"],
  ["ß", "ss"],
  ["İ", "i"],
  ["日本", "??"],
  ["a\u200b", "a"],
  ["\ufeffa", "a"],
  ["a\u00a0b", "a b"],
  ["__proto__", "constructor"],
  ["con", "CON"],
  ["a\tb", "a b"],
  ["a\nb", "ab"],
  ["a\0b", "ab"],
  ["a\ud800", "a\ufffd"],
  [`${long}k`, `${long}l`],
  [`${lessLong}k`, `${lessLong}l`],
];

/** What is a path, or nothing but dots, as a whole. */
const wholes: readonly ((base: string) => NamePair)[] = [
  (base) => ["..", base],
  (base) => [".", base],
  (base) => [`../${base}`, base],
  (base) => [`/${base}`, base],
  (base) => [`./${base}`, base],
];

/** Pairs of names, made of the name of a history and the separator of its broker. */
export const namePairs: Arbitrary<(base: string, separator: string) => NamePair> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...endings).map(
      ([name, neighbor]) =>
        (base: string, separator: string): NamePair => [
          `${base}${separator}${name}`,
          `${base}${separator}${neighbor}`,
        ],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...wholes) },
);
