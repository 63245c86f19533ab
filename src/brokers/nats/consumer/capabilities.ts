import type { Capabilities } from "../../../traits/capabilities.ts";

/** At most once: nothing can be settled, requeued or counted, and a message is gone if nobody is subscribed. */
export const coreCapabilities: Capabilities = {
  settlement: "none",
  requeue: false,
  delayedRequeue: "none",
  deliveryCount: "none",
  order: "publisher",
  partitionKey: true,
  groups: true,
  backlog: false,
  maxInFlight: Number.POSITIVE_INFINITY,
  deadLetter: false,
  batches: true,
  seek: false,
  pause: false,
};
