import type { OutgoingMessage } from "../../src/traits/index.ts";
import { arePlain, type Header, type HeadersForm, keyHeaderOf, shaped } from "../content/headers.ts";
import { type Layout, laidOut, largestTried } from "../content/payloads.ts";
import { isPlainText } from "../content/texts.ts";
import { showBytes } from "../model/fidelity.ts";
import { idHeader, type PostingFacts, tagged } from "../model/posting.ts";
import type { Subject } from "../subject.ts";
import type { Stage } from "./stage.ts";

/** What a step publishes. The id is put in front of the payload, unless the payload is to be sent as it is. */
export interface Content {
  /** A label. */
  readonly topic: string;
  readonly key?: string | undefined;
  /** Text is published as text. */
  readonly payload?: Uint8Array | string;
  readonly bare?: boolean;
  /** @default "alone" */
  readonly layout?: Layout;
  /** The payload is filled up to what the publisher says is its limit. */
  readonly largest?: "bytes" | "text";
  readonly headers?: readonly Header[];
  /** @default "pairs" */
  readonly headersForm?: HeadersForm;
  /** Without the header that says which message it is, and so without any unless there are `headers`. */
  readonly unmarked?: boolean;
}

/** A message on its way out, and what the ledger is told of it. */
export interface Outgoing {
  readonly posting: PostingFacts;
  readonly message: OutgoingMessage;
  /** `#3 to A, key "a"` */
  readonly text: string;
}

const encoder = new TextEncoder();
const nothing = new Uint8Array();

/** The next message of the history. */
export function compose(stage: Stage, content: Content, publisher: string): Outgoing {
  const id = stage.nextMessage();
  const { key, headers: given = [], headersForm = "pairs" } = content;
  const payload = payloadOf(id, content, stage.subject.publisher.maxPayloadBytes);
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const headers = content.unmarked === true ? given : [[idHeader, String(id)] as const, ...given];
  const posting: PostingFacts = {
    id,
    topic: stage.topic(content.topic),
    key,
    keyHeader: keyHeaderOf(given),
    payload: bytes,
    headers,
    publisher,
    confirmation: stage.subject.publisher.confirmation,
    at: at(content),
    refusable: isRefusable(stage.subject, content, bytes.byteLength),
  };
  const message: OutgoingMessage = {
    topic: posting.topic,
    payload: typeof payload === "string" ? payload : laidOut(payload, content.layout ?? "alone"),
    ...(headers.length === 0 ? {} : { headers: shaped(headers, headersForm) }),
    ...(key === undefined ? {} : { key }),
  };
  return { posting, message, text: `#${id} to ${content.topic}${describe(content, bytes)}` };
}

function payloadOf(id: number, content: Content, limit: number): Uint8Array | string {
  const { payload = nothing, bare = false, largest } = content;
  if (largest !== undefined && limit <= largestTried) {
    const tag = tagged(id, nothing);
    const rest = limit - tag.byteLength;
    return largest === "bytes" ? tagged(id, new Uint8Array(rest).fill(id)) : `#${id};${"a".repeat(rest)}`;
  }
  if (typeof payload === "string") return bare ? payload : `#${id};${payload}`;
  return bare ? payload : tagged(id, payload);
}

function at({ key, headers, payload, largest }: Content): PostingFacts["at"] {
  if (headers !== undefined || !isPlainKey(key)) return "headers";
  return payload === undefined && largest === undefined ? "plain" : "payload";
}

/** A transport may count the headers and the key toward the limit of the payload. */
const roomForHeaders = 4_096;

/** Whether a transport may say that it cannot carry it: its key or its headers are not plain, or there is no room for them. */
export function isRefusable(
  { publisher }: Subject,
  { key, headers = [], unmarked }: Content,
  size: number,
): boolean {
  const isBare = unmarked === true && headers.length === 0 && key === undefined;
  if (size + (isBare ? 0 : roomForHeaders) > publisher.maxPayloadBytes) return true;
  const carries = { bytes: publisher.headerValues === "bytes", duplicates: publisher.duplicateHeaders };
  return !isPlainKey(key) || !arePlain(headers, carries);
}

function isPlainKey(key: string | undefined): boolean {
  return key === undefined || isPlainText(key);
}

/** Headers of one message that a line of the trace has room for. */
const mostShown = 4;

export function describe(content: Content, payload: Uint8Array = nothing): string {
  const { key: given, headers = [], headersForm = "pairs", layout = "alone", largest } = content;
  const key = given === undefined ? "" : `, key ${shortened(JSON.stringify(given))}`;
  const as = typeof content.payload === "string" ? " as text" : layout === "alone" ? "" : ` (${layout})`;
  const isSaid = content.payload !== undefined || largest !== undefined;
  const size = isSaid ? `, payload ${showBytes(payload)}${as}` : "";
  const shown = headers.slice(0, mostShown).map(([name, value]) => {
    const text = typeof value === "string" ? shortened(JSON.stringify(value)) : showBytes(value);
    return `, ${shortened(name)}: ${text}`;
  });
  const more = headers.length > mostShown ? `, and ${headers.length - mostShown} headers more` : "";
  const form = headers.length > 0 && headersForm !== "pairs" ? ` (${headersForm})` : "";
  return `${key}${size}${shown.join("")}${more}${form}`;
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 50)}... (${text.length} characters)`;
}
