import type { Capabilities } from "../../../traits/capabilities.ts";
import { defaultAckDeadlineMs, type JetStreamSubscribeSettings, startOfNew } from "../options.ts";

/** What the consumer on the server says that settings may leave open. */
export interface ConsumerFacts {
  readonly ackDeadlineMs: number;
  /** It does not start at what comes next. */
  readonly backlog: boolean;
}

/** What a subscription with these settings promises; by what its consumer has, once that is known. */
export function capabilitiesOf(settings: JetStreamSubscribeSettings, delivery?: ConsumerFacts): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "native",
    deliveryCount: "broker",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: delivery?.backlog ?? startOfNew(settings) !== "new",
    ackDeadlineMs: delivery?.ackDeadlineMs ?? settings.ackDeadlineMs ?? defaultAckDeadlineMs,
    maxInFlight: settings.maxInFlight,
    deadLetter: false,
    batches: true,
    seek: true,
    pause: true,
  };
}
