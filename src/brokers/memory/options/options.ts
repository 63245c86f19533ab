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

/** Options of `new MemoryBroker(options)`. */
export interface MemoryBrokerOptions {
  /** Names the broker in errors. @default "memory" */
  readonly name?: string;
  /** Gives the broker the time; for tests, a `VirtualClock`. @default the system's */
  readonly clock?: Clock;
  /** A larger payload rejects with `InvalidMessageError`. @default 16 MiB */
  readonly maxPayloadBytes?: number;
  /** Options by topic or by pattern. An exact name comes first, then the first pattern that matches. */
  readonly topics?: Readonly<Record<string, TopicOptions>>;
  /** How many unread messages all topics together hold. */
  readonly unread?: UnreadOptions;
}

/** The limits of a topic's log. Beyond a limit the oldest messages go first. A limit that you leave out is no limit. */
export interface RetainOptions {
  /** The most messages to keep; 0: none. */
  readonly messages?: number;
  /** The most bytes of payload to keep. */
  readonly bytes?: number;
  /** The topic forgets messages older than this, in milliseconds. */
  readonly ageMs?: number;
}

/**
 * How many messages a topic holds that are unread, or that some group has yet to settle. When it is full, `publish`
 * waits. If unread messages fill it, `publish` rejects with a retryable `PublishFailedError`.
 */
export interface CapacityOptions {
  /** The most messages. @default 65_536 */
  readonly messages?: number;
  /** The most bytes of payload. A larger message goes through while the topic holds none. @default Infinity */
  readonly bytes?: number;
}

/** Options of one topic. */
export interface TopicOptions {
  /**
   * The limits of the log, which a new group reads from its start and in which subscribers seek. `true`: no limit.
   * With your own limits, the topic also forgets unread messages beyond them. @default { messages: 1_024, bytes: 1
   * MiB }
   */
  readonly retain?: RetainOptions | true;
  /** How many messages may be unread or unsettled. */
  readonly capacity?: CapacityOptions;
}

/** A message is unread until a subscription gets it. */
export interface UnreadOptions {
  /**
   * The most unread messages, over all topics without a `retain` of their own. At the limit, `publish` to a topic
   * that nobody subscribes to rejects. @default 131_072
   */
  readonly messages?: number;
}

/** Where the broker publishes dead letters. */
export interface DeadLetterOptions {
  /** The topic for messages that are dropped, or were delivered `maxDeliveries` times. */
  readonly topic: string;
  /** The most deliveries of one message to its group. @default no bound: only drops go there */
  readonly maxDeliveries?: number;
}

/** Options of `memorySource(topic, options)` and of `connection.subscribe(topic, options)`. */
export interface SubscribeOptions {
  /**
   * The group, whose subscriptions share the messages. It stays and goes on collecting when they close. Without a
   * group, the subscription gets its own copy of every message. When it closes, the messages that only it had, and
   * had not settled, become unread again.
   */
  readonly group?: string;
  /** The most deliveries that the group holds unsettled. @default 1_024 */
  readonly maxInFlight?: number;
  /**
   * How long, in milliseconds, a delivery may stay unsettled. Then it is revoked, and the broker delivers it again.
   * @default none
   */
  readonly ackDeadlineMs?: number;
  /** Where dropped messages go. Without it they are gone. */
  readonly deadLetter?: DeadLetterOptions;
  /**
   * Where the first subscription of a group starts. `"start"`: with everything the topic still has. `"new"`: with
   * what is published from now on; unread messages stay unread. @default "start" with a group; without one, only
   * what no subscription has had
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

/** A message's number in its topic, from 1. `"start"` is the oldest message, `"end"` the next one to be published. */
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
