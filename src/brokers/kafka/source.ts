import type { SubscriptionSource } from "../../traits/source.ts";
import type { KafkaConnection } from "./connection.ts";
import {
  capabilitiesOf,
  checkPattern,
  checkSubscribeOptions,
  checkTopics,
  type KafkaSubscribeOptions,
} from "./options.ts";
import type { KafkaSubscriber } from "./subscriber.ts";

/** One subscription, to a topic or several. Throws `InvalidArgumentError` on what `connection.subscribe` would refuse. */
export function kafkaSource(
  topics: string | readonly string[],
  options: KafkaSubscribeOptions = {},
): SubscriptionSource<KafkaConnection, KafkaSubscriber> {
  return {
    topic: checkTopics("kafkaSource(topics)", topics).join(","),
    capabilities: capabilitiesOf(checkSubscribeOptions(options)),
    open: (connection) => connection.subscribe(topics, options),
  };
}

/** One subscription, to every topic whose name the pattern matches, those created later included. */
export function kafkaPatternSource(
  pattern: RegExp,
  options: KafkaSubscribeOptions = {},
): SubscriptionSource<KafkaConnection, KafkaSubscriber> {
  const checked = checkPattern("kafkaPatternSource(pattern)", pattern);
  return {
    topic: String(checked),
    capabilities: capabilitiesOf(checkSubscribeOptions(options)),
    open: (connection) => connection.subscribePattern(checked, options),
  };
}
