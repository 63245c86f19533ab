import { headerNames } from "../../../traits/headers.ts";

type PropertyName = "contentType" | "correlationId" | "messageId" | "replyTo";

/** Properties of the protocol that are headers here, each by the name it has there. */
export const headerProperties: readonly (readonly [header: string, property: PropertyName])[] = [
  [headerNames.contentType, "contentType"],
  [headerNames.correlationId, "correlationId"],
  [headerNames.messageId, "messageId"],
  [headerNames.replyTo, "replyTo"],
];

export const propertyOf: ReadonlyMap<string, PropertyName> = new Map(headerProperties);

/** What the server reads out of the table, to send copies by; and "__proto__", which the client loses. */
export const swallowed: ReadonlySet<string> = new Set(["CC", "BCC", "__proto__"]);

/** Headers that say what became of a message on the server, and not what was published. */
export function isHistory(name: string): boolean {
  return /^x-(death$|first-death-|last-death-|delivery-count$|acquired-count$|tidelane-delayed-)/.test(name);
}

/** Whether the name stands for a property, a part of the history, or a list the server sends copies by. */
export function isReservedHeader(name: string): boolean {
  return propertyOf.has(name.toLowerCase()) || swallowed.has(name) || isHistory(name);
}
