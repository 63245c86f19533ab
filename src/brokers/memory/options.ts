import { checkCount, checkDuration, checkName } from "../../traits/arguments.ts";
import type { Capabilities } from "../../traits/capabilities.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { hasWildcard, inboxPrefix } from "./pattern.ts";

export const defaultMaxInFlight = 1024;
export const defaultCapacity = 65_536;

/** What a retained topic keeps at most. The oldest goes first; a limit left out is no limit. */
export interface RetainOptions {
  readonly messages?: number;
  /** Bytes of payload. */
  readonly bytes?: number;
  readonly ageMs?: number;
}

/** What a topic may hold of messages that some group has still to settle, before `publish` waits. */
export interface CapacityOptions {
  /** @default 65536 */
  readonly messages?: number;
  /** Bytes of payload. A message larger than this goes through while the topic holds none. @default Infinity */
  readonly bytes?: number;
}

export interface TopicOptions {
  /** Keep a log that new groups can read from the start and subscribers can seek in. `true`: without limit. @default none */
  readonly retain?: RetainOptions | true;
  readonly capacity?: CapacityOptions;
}

export interface DeadLetterOptions {
  /** Where a delivery goes that is dropped, or would be delivered once more than `maxDeliveries` times. */
  readonly topic: string;
  /** @default no bound: only drops go there */
  readonly maxDeliveries?: number;
}

export interface SubscribeOptions {
  /**
   * Subscriptions of one group share the messages; the group stays, and keeps collecting, when they close. Without it
   * the subscription is a group of its own that goes when it closes.
   */
  readonly group?: string;
  /** Deliveries the group holds unsettled at most. @default 1024 */
  readonly maxInFlight?: number;
  /** A delivery unsettled for this long is lost and delivered again. @default none */
  readonly ackDeadlineMs?: number;
  readonly deadLetter?: DeadLetterOptions;
  /** Where a new group of a retained topic starts. @default "new" */
  readonly from?: "new" | "start";
}

/** The topic's own sequence number, from 1; `"start"` is the oldest message there is, `"end"` the next to come. */
export type MemoryPosition = number | "start" | "end";

/** A topic that can be published to: a name without wildcards. */
export function checkConcreteTopic(argument: string, value: unknown, hint = ""): string {
  const topic = checkName(argument, value);
  if (hasWildcard(topic)) {
    const expected = `a topic without the wildcard tokens "*" and ">"${hint}`;
    throw new InvalidArgumentError({ argument, expected, received: topic });
  }
  if (topic.startsWith(inboxPrefix)) {
    const expected = `a topic outside "${inboxPrefix}", which is kept for replies`;
    throw new InvalidArgumentError({ argument, expected, received: topic });
  }
  return topic;
}

export function checkSubscribeOptions(options: SubscribeOptions): void {
  const { group, maxInFlight, ackDeadlineMs, deadLetter, from } = options;
  if (group !== undefined) checkName("options.group", group);
  if (maxInFlight !== undefined) checkCount("options.maxInFlight", maxInFlight, 1, true);
  if (ackDeadlineMs !== undefined) checkPositiveDuration("options.ackDeadlineMs", ackDeadlineMs);
  if (deadLetter !== undefined) {
    checkConcreteTopic("options.deadLetter.topic", deadLetter.topic);
    if (deadLetter.maxDeliveries !== undefined) {
      checkCount("options.deadLetter.maxDeliveries", deadLetter.maxDeliveries);
    }
  }
  if (from !== undefined && from !== "new" && from !== "start") {
    throw new InvalidArgumentError({
      argument: "options.from",
      expected: '"new" or "start"',
      received: from,
    });
  }
}

export function checkTopicOptions(argument: string, options: TopicOptions): void {
  const { retain, capacity } = options;
  if (retain !== undefined && retain !== true) {
    if (typeof retain !== "object" || retain === null) {
      throw new InvalidArgumentError({
        argument: `${argument}.retain`,
        expected: "true, or an object with messages, bytes or ageMs",
        received: retain,
      });
    }
    if (retain.messages !== undefined) checkCount(`${argument}.retain.messages`, retain.messages, 1, true);
    if (retain.bytes !== undefined) checkCount(`${argument}.retain.bytes`, retain.bytes, 1, true);
    if (retain.ageMs !== undefined) checkPositiveDuration(`${argument}.retain.ageMs`, retain.ageMs);
  }
  if (capacity?.messages !== undefined) {
    checkCount(`${argument}.capacity.messages`, capacity.messages, 1, true);
  }
  if (capacity?.bytes !== undefined) checkCount(`${argument}.capacity.bytes`, capacity.bytes, 1, true);
}

/** What a subscription with these options promises. */
export function capabilitiesOf(options: SubscribeOptions, seek: boolean): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "native",
    deliveryCount: "broker",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: options.from === "start",
    ...(options.ackDeadlineMs === undefined ? {} : { ackDeadlineMs: options.ackDeadlineMs }),
    maxInFlight: options.maxInFlight ?? defaultMaxInFlight,
    deadLetter: options.deadLetter !== undefined,
    batches: true,
    seek,
    pause: true,
  };
}

function checkPositiveDuration(argument: string, value: unknown): void {
  if (checkDuration(argument, value) === 0) {
    throw new InvalidArgumentError({ argument, expected: "more than 0 milliseconds", received: value });
  }
}
