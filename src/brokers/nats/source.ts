import type { SubscriptionSource } from "../../traits/broker.ts";
import type { NatsConnection } from "./connection/connection.ts";
import { coreCapabilities } from "./consumer/capabilities.ts";
import type { NatsSubscriber } from "./consumer/subscriber.ts";
import { checkPattern, checkSubject } from "./message/subject.ts";
import { checkSubscribeOptions, type NatsSubscribeOptions } from "./options.ts";

/**
 * A subscription to a subject, at most once. Throws `InvalidArgumentError` or `UnknownOptionError` if the subject
 * or an option is wrong.
 */
export function natsSource(
  subject: string,
  options: NatsSubscribeOptions = {},
): SubscriptionSource<NatsConnection, NatsSubscriber> {
  checkSubject("natsSource(subject)", subject, "; for those there is natsPatternSource()");
  checkSubscribeOptions(`natsSource("${subject}", options)`, options);
  return {
    topic: subject,
    capabilities: coreCapabilities,
    open: (connection) => connection.subscribe(subject, options),
  };
}

/**
 * A subscription to every subject that the pattern matches. `*` matches one token between dots; `>` at the end
 * matches one or more. Throws as `natsSource` does.
 */
export function natsPatternSource(
  pattern: string,
  options: NatsSubscribeOptions = {},
): SubscriptionSource<NatsConnection, NatsSubscriber> {
  checkPattern("natsPatternSource(pattern)", pattern);
  checkSubscribeOptions(`natsPatternSource("${pattern}", options)`, options);
  return {
    topic: pattern,
    capabilities: coreCapabilities,
    open: (connection) => connection.subscribePattern(pattern, options),
  };
}
