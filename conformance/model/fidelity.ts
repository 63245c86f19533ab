import { type HeaderValue, headerNames, type Message } from "../../src/traits/index.ts";
import type { Posting } from "./posting.ts";

/** How the key travels, and what a dead letter says of itself. */
const ownHeaders: ReadonlySet<string> = new Set([
  headerNames.partitionKey,
  headerNames.deadLetterReason,
  headerNames.deadLetterSource,
  headerNames.deadLetterAttempts,
  headerNames.retryCount,
  headerNames.retryTopic,
]);

/** What a dead letter says in the place of what stood there. */
const rewrittenInLetters: ReadonlySet<string> = new Set(
  [...ownHeaders].filter((name) => name !== headerNames.partitionKey),
);

/** Written by a broker that delivers again by a copy. */
const rewrittenInCopies: ReadonlySet<string> = new Set([headerNames.retryCount, headerNames.retryTopic]);

const requestHeaders: ReadonlySet<string> = new Set([headerNames.replyTo, headerNames.correlationId]);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** How the payload differs from what was published; undefined where it is the same, byte for byte. */
export function payloadFault(posting: Posting, message: Message): string | undefined {
  if (sameBytes(posting.payload, message.payload)) return undefined;
  return `came with the payload ${showBytes(message.payload)} instead of ${showBytes(posting.payload)}`;
}

/**
 * How the headers differ from what was published. Values of one name keep their order; names may differ in case, and a
 * value may come as text or as bytes, as long as the bytes are the same. `added` are names the adapter may add. `again`:
 * it was delivered before, and this may be a copy that says so.
 */
export function headerFault(
  posting: Pick<Posting, "headers" | "setAside" | "request">,
  message: Message,
  added: ReadonlySet<string>,
  again = false,
): string | undefined {
  const sent = byName(posting.headers);
  const came = byName(message.headers);
  for (const [name, values] of sent) {
    if (posting.setAside !== undefined && rewrittenInLetters.has(name)) continue;
    if (again && rewrittenInCopies.has(name)) continue;
    const others = came.get(name) ?? [];
    if (!values.every((value, index) => sameValue(value, others[index])) || others.length !== values.length) {
      return `came with the header ${name} = ${showValues(others)} instead of ${showValues(values)}`;
    }
  }
  for (const [name, values] of came) {
    const own = ownHeaders.has(name) || (posting.request === true && requestHeaders.has(name));
    const expected = sent.has(name) || added.has(name) || own;
    if (!expected) return `came with the header ${name} = ${showValues(values)}, which was not published`;
  }
  return undefined;
}

function byName(headers: Iterable<readonly [name: string, value: HeaderValue]>): Map<string, HeaderValue[]> {
  const found = new Map<string, HeaderValue[]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    const values = found.get(folded) ?? [];
    values.push(value);
    found.set(folded, values);
  }
  return found;
}

/** UTF-8 has no bytes for a lone surrogate. An encoder writes another character instead, so its bytes cannot be compared. */
function sameValue(sent: HeaderValue, came: HeaderValue | undefined): boolean {
  if (typeof sent === "string" && (typeof came === "string" || !sent.isWellFormed())) return sent === came;
  return came !== undefined && sameBytes(bytesOf(sent), bytesOf(came));
}

function bytesOf(value: HeaderValue): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

/** Text where it is text, else hexadecimal; cut where it is long. */
export function showBytes(bytes: Uint8Array): string {
  const cut = bytes.byteLength > 24 ? `... (${bytes.byteLength} bytes)` : "";
  const start = bytes.subarray(0, 24);
  try {
    return `${JSON.stringify(decoder.decode(start))}${cut}`;
  } catch {
    return `<${Buffer.from(start).toString("hex")}>${cut}`;
  }
}

function showValues(values: readonly HeaderValue[]): string {
  return values.length === 0 ? "nothing" : values.map(showValue).join(" and ");
}

/** Text or bytes, cut where they are long. */
export function showValue(value: HeaderValue): string {
  if (typeof value !== "string") return showBytes(value);
  const shown = JSON.stringify(value);
  return shown.length <= 60 ? shown : `${shown.slice(0, 50)}... (${value.length} characters)`;
}
