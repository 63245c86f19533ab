import type { SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import type { KafkaConnection } from "./connection/connection.ts";
import { capabilitiesOf, type KafkaSubscriber } from "./consumer/subscriber.ts";
import { callOf, checkPattern, checkTopics } from "./message/topics.ts";
import {
  checkPatternOptions,
  checkSubscribeOptions,
  type KafkaSubscribeOptions,
} from "./options/subscription.ts";

/**
 * A subscription to one topic, or to several. Throws `InvalidArgumentError` or `UnknownOptionError` if a topic or
 * an option is wrong.
 */
export function kafkaSource(
  topics: string | readonly string[],
  options: KafkaSubscribeOptions = {},
): SubscriptionSource<KafkaConnection, KafkaSubscriber> {
  const checked = checkTopics("kafkaSource(topics)", topics);
  return {
    topic: checked.join(","),
    capabilities: capabilitiesOf(checkSubscribeOptions(callOf("kafkaSource", checked), options)),
    open: (connection) => connection.subscribe(topics, options),
  };
}

/** A subscription to every topic whose name the pattern matches, later ones too. Throws as `kafkaSource` does. */
export function kafkaPatternSource(
  pattern: RegExp,
  options: KafkaSubscribeOptions = {},
): SubscriptionSource<KafkaConnection, KafkaSubscriber> {
  const checked = checkPattern("kafkaPatternSource(pattern)", pattern);
  return {
    topic: String(checked),
    capabilities: capabilitiesOf(checkPatternOptions(`kafkaPatternSource(${checked}, options)`, options)),
    open: (connection) => connection.subscribePattern(checked, options),
  };
}

/** What `KafkaBroker.source` gives. Kafka has patterns of its own: each `*` becomes an expression for one token. */
export function usualSource(
  topic: string,
  { group, pattern }: UsualSourceOptions = {},
): SubscriptionSource<KafkaConnection, KafkaSubscriber> {
  const options = group === undefined ? {} : { group };
  if (!pattern) return kafkaSource(topic, options);
  const tokens = topic.split(".").map((token) => (token === "*" ? "[^.]+" : escaped(token)));
  return kafkaPatternSource(new RegExp(`^${tokens.join("\\.")}$`), options);
}

function escaped(token: string): string {
  return token.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
