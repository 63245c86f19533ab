import type { Arbitrary } from "fast-check";
import type { HeaderValue } from "../../src/traits/index.ts";
import { anyKeys, type Contents } from "../content/contents.ts";
import { type Header, header, headerLists, headersForms } from "../content/headers.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";
import type { Subject } from "../subject.ts";

/** What every broker is asked, and what this one says it carries beyond the usual. */
function headersOf({ fixture }: Subject): Arbitrary<readonly Header[]> {
  const { names = [], values = [] } = fixture.headers ?? {};
  if (names.length === 0 && values.length === 0) return headerLists;
  const constants = <T>(given: readonly T[], others: Arbitrary<T>): Arbitrary<T> =>
    given.length === 0 ? others : fc.constantFrom(...given);
  const usual = { name: header.map(([name]) => name), value: header.map(([, value]) => value) };
  const declared = fc.tuple(constants(names, usual.name), constants<HeaderValue>(values, usual.value));
  return fc.oneof(headerLists, fc.array(fc.oneof(header, declared), { maxLength: 4 }));
}

export const headerFidelity: Law = {
  name: "header-fidelity",
  promise:
    "The headers and the key arrive as they were published: every name, every value, duplicates in their order.",
  property: history((subject) => {
    const contents: Arbitrary<Contents> = fc.record({
      headers: headersOf(subject),
      headersForm: headersForms,
      key: anyKeys,
    });
    return {
      groups: [{ topic: "A", options: { group: "g" } }],
      steps: [
        [4, publish(contents)],
        [1, publish(anyKeys.map((key) => ({ key })))],
        [5, pull],
        [2, ack],
        [subject.capabilities.requeue ? 1 : 0, requeue],
      ],
      maxSteps: 40,
    };
  }),
};
