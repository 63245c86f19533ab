import { randomUUID } from "node:crypto";

/** The field that says which request a reply answers. It is no header. */
export const requestField = "tidelane-request";

const pattern = /^(tidelane:reply:[\da-f-]{36})#(\d{1,15})$/;

/** A stream for the replies to the requests of one connection. */
export function newReplyStream(): string {
  return `tidelane:reply:${randomUUID()}`;
}

/** What stands in the `reply-to` header of a request. */
export function replyTopic(stream: string, request: string): string {
  return `${stream}#${request}`;
}

/** The stream a topic leads to, and the request it answers, if it answers one. */
export function splitTopic(topic: string): { readonly stream: string; readonly request?: string } {
  const [, stream, request] = pattern.exec(topic) ?? [];
  return stream === undefined || request === undefined ? { stream: topic } : { stream, request };
}
