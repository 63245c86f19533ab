import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";

/** The type of the messages of a subscriber, or of what a source opens. */
export type MessageOf<From> =
  From extends Subscriber<infer M extends Message>
    ? M
    : From extends SubscriptionSource<infer _, infer S>
      ? MessageOf<S>
      : never;

/** The type of a connection on which all of these sources open. */
export type ConnectionOf<Source> = (
  Source extends SubscriptionSource<infer C, infer _>
    ? (connection: C) => void
    : never
) extends (connection: infer All extends Connection) => void
  ? All
  : never;

/** Whether this is a source, not opened yet, rather than a subscriber. */
export function isSource(from: SubscriptionSource | Subscriber): from is SubscriptionSource {
  return "open" in from;
}
