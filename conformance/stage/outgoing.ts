import type { HeaderValue, OutgoingMessage } from "../../src/traits/index.ts";
import { showBytes } from "../model/fidelity.ts";
import { idHeader, type PostingFacts, tagged } from "../model/posting.ts";
import type { Stage } from "./stage.ts";

/** What a step publishes. The id is put in front of the payload, unless the payload is to be sent as it is. */
export interface Content {
  /** A label. */
  readonly topic: string;
  readonly key?: string | undefined;
  readonly payload?: Uint8Array;
  readonly bare?: boolean;
  readonly headers?: readonly (readonly [name: string, value: HeaderValue])[];
}

/** A message on its way out, and what the ledger is told of it. */
export interface Outgoing {
  readonly posting: PostingFacts;
  readonly message: OutgoingMessage;
  /** `#3 to A, key "a"` */
  readonly text: string;
}

const nothing = new Uint8Array();

/** The next message of the history. */
export function compose(stage: Stage, content: Content, publisher: string): Outgoing {
  const id = stage.nextMessage();
  const { payload = nothing, bare = false, key } = content;
  const posting = {
    id,
    topic: stage.topic(content.topic),
    key,
    payload: bare ? payload : tagged(id, payload),
    headers: [[idHeader, String(id)] as const, ...(content.headers ?? [])],
    publisher,
    confirmation: stage.subject.publisher.confirmation,
    at: content.headers !== undefined ? "headers" : content.payload !== undefined ? "payload" : "plain",
  } as const;
  const message: OutgoingMessage = {
    topic: posting.topic,
    payload: posting.payload,
    headers: posting.headers,
    ...(key === undefined ? {} : { key }),
  };
  return { posting, message, text: `#${id} to ${content.topic}${describe(content, posting.payload)}` };
}

function describe(content: Content, payload: Uint8Array): string {
  const key = content.key === undefined ? "" : `, key ${JSON.stringify(content.key)}`;
  const size = content.payload === undefined ? "" : `, payload ${showBytes(payload)}`;
  const headers = (content.headers ?? []).map(([name, value]) => {
    const shown = typeof value === "string" ? JSON.stringify(value) : showBytes(value);
    return `, ${name}: ${shown}`;
  });
  return `${key}${size}${headers.join("")}`;
}
