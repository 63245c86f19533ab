import { checkCount, checkDuration, checkName } from "../../../traits/arguments.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { type Clock, systemClock } from "../../../traits/clock.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../../traits/option-names.ts";
import { hasWildcard, inboxPrefix, Pattern } from "./pattern.ts";

const call = "new MemoryBroker(options)";

export const defaultMaxInFlight = 1024;
export const defaultCapacity = 65_536;
const defaultUnread = 131_072;
export const defaultRetain: RetainOptions = { messages: 1024, bytes: 2 ** 20 };

export interface MemoryBrokerOptions {
  /** Stands in errors. @default "memory" */
  readonly name?: string;
  /** @default the system's */
  readonly clock?: Clock;
  /** @default 16 MiB */
  readonly maxPayloadBytes?: number;
  /**
   * By topic, or by pattern: an exact name wins, then the first pattern that matches.
   */
  readonly topics?: Readonly<Record<string, TopicOptions>>;
  /** What all topics together keep for the first subscription to them. */
  readonly unread?: UnreadOptions;
}

/** How many messages a topic keeps at most. The oldest goes first; a limit left out is no limit. */
export interface RetainOptions {
  /** 0: none. */
  readonly messages?: number;
  /** Bytes of payload. */
  readonly bytes?: number;
  readonly ageMs?: number;
}

/**
 * How many messages a topic holds that some group has still to settle, or that no subscription has had. When it is full
 * `publish` waits; where it is full of messages that no subscription has had, `publish` rejects.
 */
export interface CapacityOptions {
  /** @default 65_536 */
  readonly messages?: number;
  /** Bytes of payload. A message larger than this goes through while the topic holds none. @default Infinity */
  readonly bytes?: number;
}

export interface TopicOptions {
  /**
   * The log that a new group reads from its start and subscribers seek in. `true`: without limit. With limits of yours the
   * topic forgets what is beyond them, also what no subscription has had. Left out, it never forgets that.
   * @default { messages: 1_024, bytes: 1 MiB }
   */
  readonly retain?: RetainOptions | true;
  readonly capacity?: CapacityOptions;
}

export interface UnreadOptions {
  /**
   * Messages that no subscription has had, in topics without a `retain` of their own. While there are so many, `publish`
   * to a topic that nobody subscribes to rejects.
   * @default 131_072
   */
  readonly messages?: number;
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
   * the subscription is a group of its own that goes when it closes; what it has not settled and no other group has goes to
   * the next subscription that opens.
   */
  readonly group?: string;
  /** Deliveries the group holds unsettled at most. @default 1_024 */
  readonly maxInFlight?: number;
  /** A delivery unsettled for this long is revoked and delivered again. @default none */
  readonly ackDeadlineMs?: number;
  readonly deadLetter?: DeadLetterOptions;
  /**
   * Where it starts, when it is the first of its group: `"start"` is with all the topic still has, `"new"` with what is
   * published from now on. Messages that no subscription has had go to the first one that opens, unless it says `"new"`.
   * @default "start" with a group; without one, only what no subscription has had
   */
  readonly from?: "new" | "start";
}

const unreadNames: OptionNames = optionNames<UnreadOptions>()({ messages: true });
const retainNames = optionNames<RetainOptions>()({ messages: true, bytes: true, ageMs: true });
const capacityNames = optionNames<CapacityOptions>()({ messages: true, bytes: true });
const topicNames = optionNames<TopicOptions>()({ retain: retainNames, capacity: capacityNames });
const subscribeNames = optionNames<SubscribeOptions>()({
  group: true,
  maxInFlight: true,
  ackDeadlineMs: true,
  deadLetter: optionNames<DeadLetterOptions>()({ topic: true, maxDeliveries: true }),
  from: true,
});

const brokerNames = optionNames<MemoryBrokerOptions>()({
  name: true,
  clock: true,
  maxPayloadBytes: true,
  topics: true,
  unread: unreadNames,
});

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

/** `call` is where they were given. */
export function checkSubscribeOptions(call: string, options: SubscribeOptions): void {
  checkOptionNames(call, options, subscribeNames);
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

function checkTopicOptions(call: string, argument: string, options: TopicOptions): void {
  checkOptionNames(call, options, topicNames, `${argument.replace("options.", "")}.`);
  const { retain, capacity } = options;
  if (retain !== undefined && retain !== true) {
    if (typeof retain !== "object" || retain === null) {
      throw new InvalidArgumentError({
        argument: `${argument}.retain`,
        expected: "true, or an object with messages, bytes or ageMs",
        received: retain,
      });
    }
    if (retain.messages !== undefined) checkCount(`${argument}.retain.messages`, retain.messages, 0, true);
    if (retain.bytes !== undefined) checkCount(`${argument}.retain.bytes`, retain.bytes, 1, true);
    if (retain.ageMs !== undefined) checkPositiveDuration(`${argument}.retain.ageMs`, retain.ageMs);
  }
  if (capacity?.messages !== undefined) {
    checkCount(`${argument}.capacity.messages`, capacity.messages, 1, true);
  }
  if (capacity?.bytes !== undefined) checkCount(`${argument}.capacity.bytes`, capacity.bytes, 1, true);
}

/** Whether a new group with these options starts with all there is, also what other groups have had. */
export function readsAll({ from, group }: SubscribeOptions): boolean {
  return from === "start" || (from === undefined && group !== undefined);
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
    backlog: readsAll(options) || (options.from === undefined && "unread"),
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

/** The options of a broker, checked and complete. */
export interface Settings {
  readonly name: string;
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
  /** How many messages all topics keep for a first subscription. */
  readonly unread: number;
  readonly optionsOf: (topic: string) => TopicOptions | undefined;
}

export function checkOptions(options: MemoryBrokerOptions): Settings {
  checkOptionNames(call, options, brokerNames);
  const { clock = systemClock, maxPayloadBytes = 2 ** 24, topics = {} } = options;
  const unread = options.unread?.messages ?? defaultUnread;
  return {
    name: checkName("options.name", options.name ?? "memory"),
    clock,
    maxPayloadBytes: checkCount("options.maxPayloadBytes", maxPayloadBytes, 0, true),
    unread: checkCount("options.unread.messages", unread, 0, true),
    optionsOf: topicOptions(topics),
  };
}

function topicOptions(
  topics: Readonly<Record<string, TopicOptions>>,
): (topic: string) => TopicOptions | undefined {
  const entries = Object.entries(topics).map(([text, options]) => {
    const argument = `options.topics[${JSON.stringify(text)}]`;
    checkTopicOptions(call, argument, options);
    return { pattern: new Pattern(argument, checkName(`a topic in options.topics`, text)), options };
  });
  const exact = new Map(entries.map(({ pattern, options }) => [pattern.text, options]));
  return (topic) => exact.get(topic) ?? entries.find(({ pattern }) => pattern.matches(topic))?.options;
}
