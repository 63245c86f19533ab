import { checkName } from "../../traits/arguments.ts";
import type { SubscriptionSource } from "../../traits/broker.ts";
import type { MemoryConnection } from "./connection/connection.ts";
import type { MemorySubscriber } from "./consumer/subscriber.ts";
import {
  capabilitiesOf,
  checkConcreteTopic,
  checkSubscribeOptions,
  type SubscribeOptions,
} from "./options/options.ts";
import { Pattern } from "./options/pattern.ts";

/**
 * A subscription to one topic. Throws `InvalidArgumentError` or `UnknownOptionError` if the topic or an option is
 * wrong.
 */
export function memorySource(
  topic: string,
  options: SubscribeOptions = {},
): SubscriptionSource<MemoryConnection, MemorySubscriber> {
  checkConcreteTopic("memorySource(topic)", topic, "; for those there is memoryPatternSource()");
  checkSubscribeOptions("memorySource(topic, options)", options);
  return {
    topic,
    capabilities: capabilitiesOf(options, true),
    open: (connection) => connection.subscribe(topic, options),
  };
}

/**
 * A subscription to every topic that the pattern matches. `*` matches one token between dots; `>` at the end
 * matches one or more. Throws as `memorySource` does.
 */
export function memoryPatternSource(
  pattern: string,
  options: SubscribeOptions = {},
): SubscriptionSource<MemoryConnection, MemorySubscriber> {
  checkName("memoryPatternSource(pattern)", pattern);
  checkSubscribeOptions("memoryPatternSource(pattern, options)", options);
  new Pattern("memoryPatternSource(pattern)", pattern);
  return {
    topic: pattern,
    capabilities: capabilitiesOf(options, false),
    open: (connection) => connection.subscribePattern(pattern, options),
  };
}
