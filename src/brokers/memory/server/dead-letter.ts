import { headerNames, retryCountIn, withRetryCount } from "../../../traits/headers.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type { Entry } from "./entry.ts";

/**
 * The message as it was published, with the reason, the source and the number of deliveries in its headers, and how often
 * it was handled at its topic in all: an earlier copy of it may have counted some.
 */
export function deadLetterOf(entry: Entry, topic: string, reason: string): CheckedMessage {
  const { stored } = entry;
  const source = stored.topic.name;
  const letter = stored.headers
    .with(headerNames.deadLetterReason, reason)
    .with(headerNames.deadLetterSource, source)
    .with(headerNames.deadLetterAttempts, String(entry.deliveries));
  const headers = withRetryCount(letter, source, retryCountIn(stored.headers, source) + entry.deliveries);
  return { topic, payload: stored.payload, headers, key: stored.key };
}
