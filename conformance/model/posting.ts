import type { Capabilities, HeaderValue, Message, PublisherCapabilities } from "../../src/traits/index.ts";

/** The header that tells which message of a history this is. */
export const idHeader = "x-case";

/** A message of the history: published, or tried to. */
export interface Posting {
  /** From 1, in the order of the calls. */
  readonly id: number;
  readonly topic: string;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  /** Without the key's. */
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
  /** Which publisher sent it. */
  readonly publisher: string;
  /** "none": when its publish resolves it may still be on its way to the broker. */
  readonly confirmation: PublisherCapabilities["confirmation"];
  /** Events of the ledger: when the call was made, and when it resolved. In a transaction: when it was committed. */
  startedAt: number;
  confirmedAt: number | undefined;
  /** The time of the call. */
  readonly startedMs: number;
  /** "unknown": the call rejected in a way that does not say whether it was sent. */
  state: "sending" | "sent" | "unknown" | "refused";
  /** A request adds headers of its own. */
  readonly request?: boolean;
  /** For a dead letter: which topic it comes from, and after how many deliveries. */
  readonly setAside?: { readonly source: string; readonly attempts: number };
  /** What else a loss of it would break, because of what it is. */
  readonly at: "plain" | "payload" | "headers";
}

/** What is known of it before it is sent. */
export type PostingFacts = Omit<Posting, "startedAt" | "confirmedAt" | "startedMs" | "state">;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A payload that says which message it is: `#7;` and then whatever. */
export function tagged(id: number, rest: Uint8Array): Uint8Array {
  const tag = encoder.encode(`#${id};`);
  const payload = new Uint8Array(tag.byteLength + rest.byteLength);
  payload.set(tag);
  payload.set(rest, tag.byteLength);
  return payload;
}

/** The id a payload carries, when it carries one. */
export function idOfPayload(payload: Uint8Array): number | undefined {
  const match = /^#(\d+);/.exec(decoder.decode(payload.subarray(0, 16)));
  return match === null ? undefined : Number(match[1]);
}

export function idOfHeaders(message: Message): number | undefined {
  const text = message.headers.get(idHeader);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Whether the broker has promised that `a` is first delivered before `b`. */
export function comesBefore(a: Posting, b: Posting, order: Capabilities["order"]): boolean {
  if (order === "none" || a.topic !== b.topic) return false;
  // n.b. dead letters are made by the broker, in an order of its own.
  if (a.setAside !== undefined || b.setAside !== undefined) return false;
  if (order === "partition" && (a.key === undefined || a.key !== b.key)) return false;
  if (a.state !== "sent" || b.state === "refused") return false;
  if (a.publisher === b.publisher) return a.startedAt < b.startedAt;
  return order !== "publisher" && a.confirmedAt !== undefined && a.confirmedAt < b.startedAt;
}
