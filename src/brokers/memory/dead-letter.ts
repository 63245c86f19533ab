import { headerNames, retryCountIn } from "../../traits/headers.ts";
import type { CheckedMessage } from "../../traits/outgoing.ts";
import type { Entry } from "./entry.ts";

/**
 * The message as it was published, with the reason, the source and the number of deliveries in its headers, and how often
 * it was handled in all: where it came from already counted some.
 */
export function deadLetterOf(entry: Entry, topic: string, reason: string): CheckedMessage {
  const { stored } = entry;
  const headers = stored.headers
    .with(headerNames.deadLetterReason, reason)
    .with(headerNames.deadLetterSource, stored.topic.name)
    .with(headerNames.deadLetterAttempts, String(entry.deliveries))
    .with(headerNames.retryCount, String(retryCountIn(stored.headers) + entry.deliveries));
  return { topic, payload: stored.payload, headers, key: stored.key };
}
