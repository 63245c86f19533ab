import type { Capabilities } from "../traits/capabilities.ts";

/** What may be said of a subscription whose broker is not known yet: nothing. */
export const noClaims: Capabilities = {
  settlement: "none",
  requeue: false,
  delayedRequeue: "none",
  deliveryCount: "none",
  order: "none",
  partitionKey: false,
  groups: false,
  backlog: false,
  maxInFlight: Number.POSITIVE_INFINITY,
  deadLetter: false,
  batches: false,
  seek: false,
  pause: false,
};

/** Each from the least to the most. */
const scales = {
  settlement: ["none", "ack"],
  delayedRequeue: ["none", "local", "native"],
  deliveryCount: ["none", "process", "broker"],
  order: ["none", "publisher", "partition", "topic"],
} as const;

/**
 * What holds for every message of several subscriptions read as one. `maxInFlight` is their sum, as each holds its own;
 * the ack deadline is the shortest. Batches, seek and pause are not claimed: they are methods of the parts.
 */
export function weakest(parts: readonly Capabilities[]): Capabilities {
  const all = (claim: (part: Capabilities) => boolean): boolean => parts.length > 0 && parts.every(claim);
  const deadlines = parts.flatMap(({ ackDeadlineMs }) =>
    ackDeadlineMs === undefined ? [] : [ackDeadlineMs],
  );
  return {
    settlement: least(
      scales.settlement,
      parts.map((part) => part.settlement),
    ),
    requeue: all((part) => part.requeue),
    delayedRequeue: least(
      scales.delayedRequeue,
      parts.map((part) => part.delayedRequeue),
    ),
    deliveryCount: least(
      scales.deliveryCount,
      parts.map((part) => part.deliveryCount),
    ),
    order: least(
      scales.order,
      parts.map((part) => part.order),
    ),
    partitionKey: all((part) => part.partitionKey),
    groups: all((part) => part.groups),
    backlog: all((part) => part.backlog === true) || (all((part) => part.backlog !== false) && "unread"),
    maxInFlight: parts.reduce((sum, part) => sum + part.maxInFlight, 0),
    deadLetter: all((part) => part.deadLetter),
    batches: false,
    seek: false,
    pause: false,
    ...(deadlines.length > 0 && { ackDeadlineMs: Math.min(...deadlines) }),
  };
}

function least<Level>(scale: readonly Level[], levels: readonly Level[]): Level {
  const found = scale.find((level) => levels.includes(level)) ?? scale[0];
  return found as Level;
}
