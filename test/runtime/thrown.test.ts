import { describe, expect, it } from "vitest";
import { messageOf, sentenceOf } from "../../src/runtime/thrown.ts";

const explosive = Object.defineProperty(new Error("x"), "message", {
  get: () => {
    throw new Error("boom");
  },
});

describe.each<[unknown, string, string]>([
  [new RangeError("too far"), "RangeError: too far", "too far"],
  ["text", "text", "text"],
  [undefined, "undefined", "undefined"],
  [Symbol("odd"), "Symbol(odd)", "Symbol(odd)"],
  [Object.create(null), "an object (without a name)", "an object (without a name)"],
  [explosive, "an object (Error)", "an object (Error)"],
])("what was thrown", (thrown, sentence, message) => {
  it(`reads as ${sentence}`, () => {
    expect([sentenceOf(thrown), messageOf(thrown)]).toEqual([sentence, message]);
  });
});
