import type { SubscriptionSource } from "../../traits/broker.ts";
import { checkPattern, checkSubject } from "../nats/message/subject.ts";
import type { JetStreamConnection } from "./connection/connection.ts";
import { capabilitiesOf } from "./consumer/capabilities.ts";
import type { JetStreamSubscriber } from "./consumer/subscriber.ts";
import { checkSubscribeOptions, type JetStreamSubscribeOptions } from "./options.ts";

/**
 * A subscription to a subject of a stream. Throws `InvalidArgumentError` or `UnknownOptionError` if the subject or
 * an option is wrong.
 */
export function jetStreamSource(
  subject: string,
  options: JetStreamSubscribeOptions = {},
): SubscriptionSource<JetStreamConnection, JetStreamSubscriber> {
  checkSubject("jetStreamSource(subject)", subject, "; for those there is jetStreamPatternSource()");
  const settings = checkSubscribeOptions(`jetStreamSource("${subject}", options)`, options);
  return {
    topic: subject,
    capabilities: capabilitiesOf(settings),
    open: (connection) => connection.subscribe(subject, options),
  };
}

/**
 * A subscription to every subject of a stream that the pattern matches. `*` matches one token between dots; `>` at
 * the end matches one or more. Throws as `jetStreamSource` does.
 */
export function jetStreamPatternSource(
  pattern: string,
  options: JetStreamSubscribeOptions = {},
): SubscriptionSource<JetStreamConnection, JetStreamSubscriber> {
  checkPattern("jetStreamPatternSource(pattern)", pattern);
  const settings = checkSubscribeOptions(`jetStreamPatternSource("${pattern}", options)`, options);
  return {
    topic: pattern,
    capabilities: capabilitiesOf(settings),
    open: (connection) => connection.subscribePattern(pattern, options),
  };
}
