import type { SubscriptionSource } from "../../traits/broker.ts";
import { NotSupportedError } from "../../traits/errors.ts";
import type { RedisConnection } from "./connection/connection.ts";
import { capabilitiesOf } from "./consumer/capabilities.ts";
import type { RedisSubscriber } from "./consumer/subscriber.ts";
import { checkStreamOptions, type RedisStreamOptions } from "./options.ts";

/** One subscription to a stream. Throws `InvalidArgumentError` on what `connection.subscribe` would refuse. */
export function redisSource(
  stream: string,
  options: RedisStreamOptions = {},
): SubscriptionSource<RedisConnection, RedisSubscriber> {
  const settings = checkStreamOptions("redisSource", stream, options);
  return {
    topic: stream,
    capabilities: capabilitiesOf(settings),
    open: (connection) => connection.subscribe(stream, options),
  };
}

/** What `RedisBroker.source` gives. */
export function usualSource(
  stream: string,
  options: { readonly group?: string | undefined; readonly pattern?: boolean } = {},
): SubscriptionSource<RedisConnection, RedisSubscriber> {
  const { group, pattern } = options;
  if (pattern) {
    throw new NotSupportedError({
      capability: `The pattern "${stream}"`,
      reason: "a group belongs to one stream; subscribe to each stream by its name",
    });
  }
  return redisSource(stream, group === undefined ? {} : { group });
}
