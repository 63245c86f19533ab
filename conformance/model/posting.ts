import type { Capabilities, HeaderValue, Message, PublisherCapabilities } from "../../src/traits/index.ts";

/** The header that tells which message of a history this is. */
export const idHeader = "x-case";

/** A message of the history: published, or tried to. */
export interface Posting {
  /** From 1, in the order of the calls. */
  readonly id: number;
  readonly topic: string;
  readonly key: string | undefined;
  /** What its "partition-key" header says, where it has one: the key to a transport that has no other place for it. */
  readonly keyHeader?: string | undefined;
  readonly payload: Uint8Array;
  /** Without the key's. */
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
  /** Which publisher sent it: the calls of one reach the broker in the order they were made. A transaction is one of its own. */
  readonly publisher: string;
  /** "none": when its publish resolves it may still be on its way to the broker. */
  readonly confirmation: PublisherCapabilities["confirmation"];
  /**
   * Events of the ledger: when the call was made, and when it resolved. In a transaction: when the publish was called, and
   * when the commit resolved, because a log may hold the message since the first and a queue since the second.
   */
  readonly startedAt: number;
  confirmedAt: number | undefined;
  /** The time of the call. */
  readonly startedMs: number;
  /** "unknown": the call rejected in a way that does not say whether it was sent. */
  state: "sending" | "sent" | "unknown" | "refused";
  /** A request adds headers of its own. */
  readonly request?: boolean;
  /** The name of the transaction it is part of. */
  readonly transaction?: string;
  /** For a dead letter: which topic it comes from, and after how many deliveries. */
  readonly setAside?: { readonly source: string; readonly attempts: Set<number> };
  /** What else a loss of it would break, because of what it is. */
  readonly at: "plain" | "payload" | "headers";
  /** A transport may say that it cannot carry it exactly, and refuse it. @default false */
  readonly refusable?: boolean;
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

/**
 * Whether the contract says that `a` reached the broker before `b`: both are calls of one publisher, or the publish of
 * `a` was confirmed before the call of `b` was made. Two publishes that overlapped have an order too, which only the
 * broker knows. `arrived`: `a` is there for certain, though its call was not answered, or is a request, whose answer
 * says nothing of it.
 */
export function comesBefore(a: Posting, b: Posting, order: Capabilities["order"], arrived = false): boolean {
  if (order === "none" || a.topic !== b.topic) return false;
  // The broker publishes dead letters, in an order of its own.
  if (a.setAside !== undefined || b.setAside !== undefined) return false;
  if (order === "partition" && (a.key === undefined || a.key !== b.key)) return false;
  if (b.state === "refused") return false;
  if (a.publisher === b.publisher) return (a.state === "sent" || arrived) && a.startedAt < b.startedAt;
  if (order === "publisher" || a.confirmation === "none" || a.confirmedAt === undefined) return false;
  return a.state === "sent" && a.confirmedAt < b.startedAt;
}
