import type { Arbitrary } from "fast-check";
import type { HeaderValue } from "../../src/traits/index.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { keys, publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";
import type { Subject } from "../subject.ts";

type Header = readonly [name: string, value: HeaderValue];

/** What every transport carries, and what the broker declares beyond it. */
function headersOf({ fixture, publisher }: Subject): Arbitrary<Header[]> {
  const plainNames = fc.constantFrom("trace", "Content-Type", "x-a", "x-b", "X-A");
  const names = fc.oneof(plainNames, ...(fixture.headers?.names ?? []).map((name) => fc.constant(name)));
  const text = fc.oneof(
    fc.constantFrom("1", "", "text/plain; q=1", "a b"),
    fc.stringMatching(/^[ -~]{0,12}$/),
  );
  const trimmed = text.map((value) => value.trim());
  const bytes = fc.constantFrom([255], [0, 1, 2], [0xc3, 0xa9], []).map((each) => Uint8Array.from(each));
  const values: Arbitrary<HeaderValue>[] = [
    trimmed,
    ...(fixture.headers?.values ?? []).map((value) => fc.constant(value)),
  ];
  if (publisher.headerValues === "bytes") values.push(bytes);
  const header: Arbitrary<Header> = fc.tuple(names, fc.oneof(...values));
  return publisher.duplicateHeaders
    ? fc.array(header, { maxLength: 4 })
    : fc.uniqueArray(header, { maxLength: 4, selector: ([name]) => name.toLowerCase() });
}

export const headerFidelity: Law = {
  name: "header-fidelity",
  promise:
    "Headers and the key arrive as they were published: every name, every value, duplicates in their order.",
  property: history((subject) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [4, publish(fc.record({ headers: headersOf(subject), key: keys }))],
      [5, pull],
      [2, ack],
      [subject.capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 40,
  })),
};
