import { sleep } from "../../../traits/clock.ts";
import { isTidelaneError, PublishFailedError } from "../../../traits/errors.ts";
import { reportOrWarn } from "../../shared/error-report.ts";
import type { ServerConnection } from "../client.ts";
import type { SubscriptionSettings } from "../options/subscription.ts";
import { checkRoute } from "../topology/topic-check.ts";

/** An application may create the queue of dead letters a moment after the queue. */
const graceMs = 5_000;

/**
 * Says so when what the queue drops has nowhere to go: on the channel "tidelane:error", and as a process warning where
 * nobody listens there. The server itself says nothing, at the start or when it drops. Looks again before it says so.
 * Never rejects.
 */
export async function checkDeadLetter(
  connection: ServerConnection,
  { topic, type, create }: SubscriptionSettings,
  closing: AbortSignal,
): Promise<void> {
  const deadLetter = create?.deadLetter;
  if (deadLetter === undefined) return;
  const { topic: routingKey, exchange = "", atLeastOnce = true } = deadLetter;
  const look = (): Promise<void> =>
    checkRoute(connection, { topic: routingKey, exchange, routingKey }, closing);
  try {
    await look().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await sleep(connection.settings.clock, graceMs, closing);
      await look();
    });
  } catch (cause) {
    // Whatever else is wrong will be told to whoever uses the connection.
    if (!isMissing(cause) || closing.aborted) return;
    const target =
      exchange === ""
        ? `the queue ${JSON.stringify(routingKey)}`
        : `the exchange ${JSON.stringify(exchange)}`;
    const queue = JSON.stringify(topic);
    const fate = type === "quorum" && atLeastOnce ? `stay in ${queue}, undelivered` : "are lost";
    const reason = `${target}, where the queue ${queue} sends its dead letters, does not exist; until you create it they ${fate}`;
    const error = new PublishFailedError({ topic: routingKey, reason, retryable: false, cause });
    reportOrWarn({ topic, error }, () => `${reason[0]?.toUpperCase()}${reason.slice(1)}.`);
  }
}

function isMissing(error: unknown): boolean {
  return isTidelaneError(error, "TIDELANE_PUBLISH_FAILED") && !error.retryable;
}
