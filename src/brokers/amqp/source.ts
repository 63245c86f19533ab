import type { SubscriptionSource } from "../../traits/broker.ts";
import type { AmqpConnection } from "./connection/connection.ts";
import type { AmqpSubscriber } from "./consumer/subscriber.ts";
import {
  type AmqpExclusiveQueueOptions,
  type AmqpQueueOptions,
  checkExclusiveQueueOptions,
  checkQueueOptions,
} from "./options/subscription.ts";

/** A queue, shared with everybody who consumes from it. Throws `InvalidArgumentError`. */
export function amqpQueue(
  queue: string,
  options: AmqpQueueOptions = {},
): SubscriptionSource<AmqpConnection, AmqpSubscriber> {
  const { topic, capabilities } = checkQueueOptions("amqpQueue", queue, options);
  return { topic, capabilities, open: (connection) => connection.subscribe(queue, options) };
}

/** A copy of what an exchange is sent, from now on and for as long as the connection lasts: a queue of its own. */
export function amqpExclusiveQueue(
  topic: string,
  options: AmqpExclusiveQueueOptions,
): SubscriptionSource<AmqpConnection, AmqpSubscriber> {
  const { capabilities } = checkExclusiveQueueOptions("amqpExclusiveQueue", topic, options);
  return { topic, capabilities, open: (connection) => connection.subscribeExclusive(topic, options) };
}
