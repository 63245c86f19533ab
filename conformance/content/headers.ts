import type { Arbitrary } from "fast-check";
import { type HeadersInit, type HeaderValue, headerNames, MessageHeaders } from "../../src/traits/index.ts";
import { fc } from "../fast-check.ts";
import { anyText, isPlainText } from "./texts.ts";

export type Header = readonly [name: string, value: HeaderValue];

/** The forms in which a caller may hand over headers. "once" can be read only once. */
export type HeadersForm = "pairs" | "record" | "headers" | "map" | "once";

/** Names that mean something, with what may stand there; few values, so that two messages have the same. */
export const wellKnown: readonly Header[] = [
  [headerNames.messageId, "m-1"],
  [headerNames.correlationId, "order 7"],
  [headerNames.contentType, "application/json"],
  [headerNames.contentType, "text/plain; charset=utf-8"],
  [headerNames.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  [headerNames.replyTo, "answers"],
  [headerNames.partitionKey, "a"],
  [headerNames.retryCount, "3"],
  [headerNames.retryTopic, "orders"],
  [headerNames.errorCode, "out-of-stock"],
  [headerNames.deadLetterReason, "no such customer"],
  [headerNames.deadLetterSource, "orders"],
  [headerNames.deadLetterAttempts, "2"],
  [headerNames.deadLetterError, "Error: no such customer"],
];

const names: readonly string[] = ["x-a", "x-b", "X-A", "trace", "Content-Type"];

/** Names with a meaning for objects, clients or protocols, and what is no name everywhere. */
const awkwardNames: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "0",
  "host",
  "Content-Length",
  "message_id",
  "x.a",
  "x a",
  "x/a",
  "ä",
  "İ",
  "x".repeat(200),
];

const plainText = fc.oneof(
  fc.constantFrom("1", "text/plain; q=1", "a b", "A"),
  fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/),
);

const bytes: Arbitrary<HeaderValue> = fc
  .constantFrom([255], [0, 1, 2], [0xc3, 0xa9], [], [13, 10])
  .map((each) => Uint8Array.from(each));

const plainHeader: Arbitrary<Header> = fc.tuple(fc.constantFrom(...names), plainText);

/** Every header a caller may write, the plain ones first. */
export const header: Arbitrary<Header> = fc.oneof(
  { weight: 4, arbitrary: plainHeader },
  { weight: 4, arbitrary: fc.constantFrom(...wellKnown) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...wellKnown.map(([name]) => name)), anyText) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...names), anyText) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...names), bytes) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...awkwardNames), plainText) },
);

const many: Arbitrary<Header[]> = fc
  .constantFrom(40, 12, 200)
  .map((count) => Array.from({ length: count }, (_, index) => [`x-${index}`, `value ${index}`] as const));

/** Names repeat, so that there are duplicates. */
export const headerLists: Arbitrary<Header[]> = fc.oneof(
  { weight: 8, arbitrary: fc.array(header, { maxLength: 4 }) },
  // Repeated to begin with: the same name, in the same letters or in others.
  {
    weight: 2,
    arbitrary: fc.array(fc.tuple(fc.constantFrom("x-a", "X-A"), plainText), { minLength: 2, maxLength: 4 }),
  },
  { weight: 1, arbitrary: many },
);

export const headersForms: Arbitrary<HeadersForm> = fc.constantFrom<HeadersForm[]>(
  "pairs",
  "record",
  "headers",
  "map",
  "once",
);

/** The headers in the form asked for; as pairs where that form has no room for a name that occurs twice. */
export function shaped(headers: readonly Header[], form: HeadersForm): HeadersInit {
  const isUnique = new Set(headers.map(([name]) => name)).size === headers.length;
  switch (form) {
    case "pairs":
      return headers;
    case "record":
      return isUnique ? Object.fromEntries(headers) : headers;
    case "headers":
      return MessageHeaders.from(headers);
    case "map":
      return isUnique ? new Map(headers) : headers;
    case "once":
      return headers[Symbol.iterator]();
    default:
      return form satisfies never;
  }
}

export function isKeyHeader(name: string): boolean {
  return name.toLowerCase() === headerNames.partitionKey;
}

/** The key that travels in the headers, as text. */
export function keyHeaderOf(headers: readonly Header[]): string | undefined {
  const found = headers.find(([name]) => isKeyHeader(name));
  return found === undefined ? undefined : MessageHeaders.from([found]).get(headerNames.partitionKey);
}

/** Names the adapters and the protocols act on, so that one of them may have no room for another meaning. */
const special: ReadonlySet<string> = new Set([headerNames.replyTo, headerNames.partitionKey]);

/** Whether every transport carries these headers that says it carries such values, and such duplicates. */
export function arePlain(
  headers: readonly Header[],
  carries: { readonly bytes: boolean; readonly duplicates: boolean },
): boolean {
  const folded = headers.map(([name]) => name.toLowerCase());
  if (headers.length > 20) return false;
  if (!carries.duplicates && new Set(folded).size < folded.length) return false;
  return headers.every(([name, value], index) => {
    if (!/^[a-z][a-z0-9-]{0,39}$/i.test(name) || awkwardNames.includes(name)) return false;
    if (special.has(folded[index] ?? "")) return false;
    return typeof value === "string" ? isPlainText(value) : carries.bytes && value.byteLength <= 200;
  });
}
