import { isDeepStrictEqual } from "node:util";
import { PublishFailedError } from "../../../traits/errors.ts";
import { reportError } from "../../shared/error-report.ts";
import type { ReturnedMessage } from "../client.ts";
import { unroutable } from "../errors.ts";
import type { PendingPublish } from "./pending-publish.ts";

/** The server returns a message before it confirms it. */
export function markReturned(unconfirmed: Iterable<PendingPublish>, message: ReturnedMessage): void {
  const publishes = publishesReturned(unconfirmed, message);
  const [only] = publishes;
  if (only === undefined) reportUnknown(message);
  else if (publishes.length === 1) only.returned = "yes";
  else for (const publish of publishes) publish.returned = "maybe";
}

function reportUnknown({ fields: { exchange, routingKey } }: ReturnedMessage): void {
  const { reason } = unroutable(routingKey, exchange, routingKey);
  const error = new PublishFailedError({
    topic: routingKey,
    reason: `the server returned a message that no publish waits for (${reason})`,
    retryable: false,
  });
  reportError({ topic: routingKey, error });
}

/**
 * Which of the unconfirmed publishes the server gave back: one where it is known, several where any of them may be it.
 * The server names no number, and an interceptor on the server may have added headers or changed the message. So each
 * test forgives more than the one before, and the first that a publish passes decides. Empty: no publish is unconfirmed
 * that could be returned.
 */
function publishesReturned(
  unconfirmed: Iterable<PendingPublish>,
  message: ReturnedMessage,
): readonly PendingPublish[] {
  const possible: PendingPublish[] = [];
  for (const publish of unconfirmed) {
    if (publish.settings.mandatory !== true || publish.returned === "yes") continue;
    // Without an interceptor the first publish that is the same in everything is found without a look at the others.
    if (isSame(publish, message)) return [publish];
    possible.push(publish);
  }
  const addressed = orAll(possible, (publish) => isAddressedAlike(publish, message));
  const alike = orAll(addressed, (publish) => publish.hasContent(message.content));
  const named = orAll(alike, (publish) => hasSameNames(publish, message));
  return fullest(named, message) ?? named;
}

function isSame(publish: PendingPublish, message: ReturnedMessage): boolean {
  return (
    isAddressedAlike(publish, message) &&
    publish.hasContent(message.content) &&
    hasSameNames(publish, message) &&
    isDeepStrictEqual({ ...publish.settings.headers }, { ...message.properties.headers })
  );
}

/** Those that pass; if none does, the test says nothing. */
function orAll(
  publishes: readonly PendingPublish[],
  test: (publish: PendingPublish) => boolean,
): readonly PendingPublish[] {
  const passed = publishes.filter(test);
  return passed.length > 0 ? passed : publishes;
}

function isAddressedAlike({ exchange, routingKey }: PendingPublish, { fields }: ReturnedMessage): boolean {
  return fields.routingKey === routingKey && fields.exchange === exchange;
}

function hasSameNames({ settings }: PendingPublish, { properties }: ReturnedMessage): boolean {
  return (
    settings.contentType === properties.contentType &&
    settings.correlationId === properties.correlationId &&
    settings.messageId === properties.messageId
  );
}

/**
 * The publish most of whose headers came back, if one has all of its headers among them. The server returns messages in
 * the order of the publishes, so of several that are alike it is the first; nobody could tell them apart in a queue either.
 */
function fullest(
  publishes: readonly PendingPublish[],
  { properties: { headers: returned = {} } }: ReturnedMessage,
): readonly PendingPublish[] | undefined {
  let most = -1;
  let found: PendingPublish | undefined;
  for (const publish of publishes) {
    const sent = Object.entries(publish.settings.headers);
    if (sent.length <= most) continue;
    if (!sent.every(([name, value]) => isDeepStrictEqual(value, returned[name]))) continue;
    most = sent.length;
    found = publish;
  }
  return found && [found];
}
