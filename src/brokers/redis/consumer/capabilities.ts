import type { Capabilities } from "../../../traits/capabilities.ts";
import type { StreamSettings } from "../options.ts";

export function capabilitiesOf({
  from,
  maxInFlight,
  ackDeadlineMs,
  deadLetter,
}: StreamSettings): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "native",
    deliveryCount: "broker",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: from !== "new",
    ackDeadlineMs,
    maxInFlight,
    deadLetter: deadLetter !== undefined,
    batches: true,
    seek: true,
    pause: true,
  };
}
