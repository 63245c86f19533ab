import { diagnostics } from "../../traits/diagnostics.ts";
import { isTidelaneError, PublishFailedError } from "../../traits/errors.ts";
import type { Link } from "./link.ts";
import type { Plan } from "./plan.ts";
import { checkPlace } from "./topic-check.ts";

/**
 * Says so when what the queue drops has nowhere to go: on the channel "tidelane:error", and as a process warning where
 * nobody listens there. The server itself says nothing, at the start or when it drops. Never rejects.
 */
export async function checkDeadLetter(link: Link, { topic, type, create }: Plan): Promise<void> {
  const target = create?.deadLetter;
  if (target === undefined) return;
  const { topic: routingKey, exchange = "", atLeastOnce = true } = target;
  try {
    await checkPlace(link, { topic: routingKey, exchange, routingKey }, undefined);
  } catch (cause) {
    // Whatever else is wrong will be told to whoever uses the connection.
    if (!isTidelaneError(cause, "TIDELANE_PUBLISH_FAILED") || cause.retryable) return;
    const place =
      exchange === ""
        ? `the queue ${JSON.stringify(routingKey)}`
        : `the exchange ${JSON.stringify(exchange)}`;
    const queue = JSON.stringify(topic);
    const fate = type === "quorum" && atLeastOnce ? `stay in ${queue}, undelivered` : "are lost";
    const reason = `${place}, where the queue ${queue} sends its dead letters, does not exist; until you create it they ${fate}`;
    const error = new PublishFailedError({ topic: routingKey, reason, retryable: false, cause });
    const events = diagnostics["tidelane:error"];
    if (events.hasSubscribers) events.publish({ topic, error });
    else process.emitWarning(`${reason[0]?.toUpperCase()}${reason.slice(1)}.`, "TidelaneWarning");
  }
}
