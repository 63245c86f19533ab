import type { SubscriptionSource } from "../../traits/broker.ts";
import { NotSupportedError } from "../../traits/errors.ts";
import type { AmqpConnection } from "./connection/connection.ts";
import type { AmqpSubscriber } from "./consumer/subscriber.ts";
import {
  type AmqpExclusiveQueueOptions,
  type AmqpQueueOptions,
  checkExclusiveQueueOptions,
  checkQueueOptions,
} from "./options/subscription.ts";

/**
 * A subscription to the queue `queue`, whose consumers share its messages. Throws `InvalidArgumentError` or
 * `UnknownOptionError` if an option is wrong.
 */
export function amqpQueue(
  queue: string,
  options: AmqpQueueOptions = {},
): SubscriptionSource<AmqpConnection, AmqpSubscriber> {
  const { topic, capabilities } = checkQueueOptions("amqpQueue", queue, options);
  return { topic, capabilities, open: (connection) => connection.subscribe(queue, options) };
}

/**
 * A subscription with a queue of its own, bound to an exchange: it gets a copy of every message that matches
 * `topic`. The queue lasts as long as the connection. So the subscription misses messages that are published while
 * the connection is lost. Throws `InvalidArgumentError` or `UnknownOptionError` if an option is wrong.
 */
export function amqpExclusiveQueue(
  topic: string,
  options: AmqpExclusiveQueueOptions,
): SubscriptionSource<AmqpConnection, AmqpSubscriber> {
  const { capabilities } = checkExclusiveQueueOptions("amqpExclusiveQueue", topic, options);
  return { topic, capabilities, open: (connection) => connection.subscribeExclusive(topic, options) };
}

/** What `AmqpBroker.source` gives. */
export function usualSource(
  queue: string,
  options: { readonly group?: string | undefined; readonly pattern?: boolean } = {},
): SubscriptionSource<AmqpConnection, AmqpSubscriber> {
  const { group, pattern } = options;
  if (group !== undefined) {
    throw new NotSupportedError({
      capability: `The group "${group}" for the queue "${queue}"`,
      reason:
        "all consumers of a queue share it; leave group out, or bind a queue of the group's own by amqpQueue(queue, { bindings })",
    });
  }
  if (pattern) {
    throw new NotSupportedError({
      capability: `The pattern "${queue}"`,
      reason:
        "a consumer reads one queue; bind a queue to a topic exchange by amqpQueue(queue, { bindings }), and give it as source",
    });
  }
  return amqpQueue(queue);
}
