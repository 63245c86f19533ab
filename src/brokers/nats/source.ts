import type { SubscriptionSource } from "../../traits/broker.ts";
import type { NatsConnection } from "./connection/connection.ts";
import { coreCapabilities } from "./consumer/capabilities.ts";
import type { NatsSubscriber } from "./consumer/subscriber.ts";
import { checkPattern, checkSubject } from "./message/subject.ts";
import { checkSubscribeOptions, type NatsSubscribeOptions } from "./options.ts";

/** One subscription to a subject, at most once. Throws `InvalidArgumentError` on what `connection.subscribe` would refuse. */
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

/** One subscription to a pattern: `*` stands for one token, `>` at the end for one or more. */
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
