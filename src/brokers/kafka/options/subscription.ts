import { checkCount, checkDuration, checkName, checkObject } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import type { ConsumerConfig, TopicCreation } from "../client.ts";
import { checkCreate, type KafkaTopicOptions, topicOptionNames } from "./topic.ts";

/**
 * Where a partition begins for a group that has committed nothing in its topic: after what is there when the
 * subscription opens, at the oldest record, or at the first record of that time (milliseconds since 1970) or later.
 */
export type KafkaStart = "new" | "start" | { readonly timeMs: number };

/**
 * A way to share out the partitions of a group, by its name on the wire: tidelane's, those of Java's client and of
 * librdkafka ("range", "roundrobin"), and that of kafkajs.
 */
export type KafkaAssigner = "tidelane-sticky" | "range" | "roundrobin" | "RoundRobinAssigner";

const assignerNames: readonly KafkaAssigner[] = [
  "tidelane-sticky",
  "range",
  "roundrobin",
  "RoundRobinAssigner",
];

/** The second is for a group with members that use kafkajs by itself. */
const usualAssigners: CheckedSubscribeOptions["partitionAssigners"] = [
  "tidelane-sticky",
  "RoundRobinAssigner",
];

/** How much is asked of the server at once. */
export interface FetchOptions {
  /** Bytes over all partitions of one server. @default 8 MiB */
  readonly maxBytes?: number;
  /** Bytes of one partition. A larger record is fetched alone. @default 1 MiB */
  readonly maxBytesPerPartition?: number;
  /** The server answers when it has so many bytes, or after `maxWaitMs`. @default 1 */
  readonly minBytes?: number;
  /** Also how long closing, a rebalance and a seek may have to wait for a fetch to end. @default 500 */
  readonly maxWaitMs?: number;
}

/** How much is held here between the server and the consumer, per partition. At either, its fetching is held. */
export interface PrefetchOptions {
  /** @default 512 */
  readonly records?: number;
  /** Bytes of keys and values. @default 1 MiB */
  readonly bytes?: number;
}

export interface KafkaSubscribeOptions {
  /**
   * Subscriptions of one group share the partitions, and the group keeps its place in each on the server. Without it
   * the subscription has all partitions for itself, begins as `from` says, and leaves nothing behind.
   */
  readonly group?: string;
  /** @default "start" with a group, so that its first member misses nothing; "new" without one */
  readonly from?: KafkaStart;
  /**
   * Whether a missing topic is created, and how: `true` leaves everything to the server's configuration. Not for a pattern.
   * @default what the broker's `create` says
   */
  readonly create?: boolean | KafkaTopicOptions;
  /** The partitions to have, of every topic, whoever else has them. @default what the group assigns; all without a group */
  readonly partitions?: readonly number[];
  /**
   * What this member offers its group, best first. The group takes one that all its members offer. "range" and "roundrobin"
   * are those of Java's client and of librdkafka. Not with `partitions`.
   * @default ["tidelane-sticky", "RoundRobinAssigner"]
   */
  readonly partitionAssigners?: readonly KafkaAssigner[];
  /** Deliveries held unsettled at most. @default 1024 */
  readonly maxInFlight?: number;
  /**
   * Records of one partition delivered and not covered by the group's committed offset, at most; the partition waits
   * then. It is how many come again at most when the process dies, and how far one unsettled record lets others run
   * ahead. @default 8192
   */
  readonly maxUncommitted?: number;
  /** The longest a settled record waits to be committed. @default 100 */
  readonly commitIntervalMs?: number;
  readonly prefetch?: PrefetchOptions;
  readonly fetch?: FetchOptions;
  /** The server gives the partitions to others when it heard nothing for so long. @default 30_000 */
  readonly sessionTimeoutMs?: number;
  /** @default 3_000 */
  readonly heartbeatIntervalMs?: number;
  /** How long the group waits for each member when partitions move. @default 30_000 */
  readonly rebalanceTimeoutMs?: number;
  /**
   * How long, then, deliveries that are out may take to be settled before they are revoked. The whole group stands still
   * meanwhile. @default half of `rebalanceTimeoutMs`
   */
  readonly drainMs?: number;
  /** How long opening may take, attempts included. @default 30_000 */
  readonly openTimeoutMs?: number;
  /** How often a pattern is matched against the topics on the server. @default 10_000 */
  readonly patternRefreshMs?: number;
  /** Also deliver records of transactions that are not committed. @default false */
  readonly readUncommitted?: boolean;
}

const subscribeOptionNames = optionNames<KafkaSubscribeOptions>()({
  group: true,
  from: true,
  create: topicOptionNames,
  partitions: true,
  partitionAssigners: true,
  maxInFlight: true,
  maxUncommitted: true,
  commitIntervalMs: true,
  prefetch: optionNames<PrefetchOptions>()({ records: true, bytes: true }),
  fetch: optionNames<FetchOptions>()({
    maxBytes: true,
    maxBytesPerPartition: true,
    minBytes: true,
    maxWaitMs: true,
  }),
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  rebalanceTimeoutMs: true,
  drainMs: true,
  openTimeoutMs: true,
  patternRefreshMs: true,
  readUncommitted: true,
});

/** How much of a partition may be here. */
export interface PartitionLimits {
  /** Records, and bytes of their keys and values, fetched and not delivered; at either the fetching is held. */
  readonly prefetchRecords: number;
  readonly prefetchBytes: number;
  /** Records delivered since the oldest unsettled one, and since the last commit; at it the delivering is held. */
  readonly maxUncommitted: number;
}

/** How kafkajs is to take part in a group. */
export type MemberConfig = Omit<ConsumerConfig, "partitionAssigners" | "retry">;

/** The options with their defaults, checked. */
export interface CheckedSubscribeOptions {
  readonly group: string | undefined;
  readonly from: KafkaStart;
  readonly create: TopicCreation | false | undefined;
  readonly partitions: readonly number[] | undefined;
  readonly partitionAssigners: readonly [KafkaAssigner, ...KafkaAssigner[]];
  readonly maxInFlight: number;
  readonly limits: PartitionLimits;
  readonly commitIntervalMs: number;
  readonly drainMs: number;
  readonly openTimeoutMs: number;
  readonly patternRefreshMs: number;
  readonly member: Omit<MemberConfig, "groupId" | "allowAutoTopicCreation">;
}

/** `call` is what the options were given to, as the caller wrote it. */
export function checkSubscribeOptions(call: string, options: KafkaSubscribeOptions): CheckedSubscribeOptions {
  checkObject("options", options);
  checkOptionNames(call, options, subscribeOptionNames);
  const { group, partitions, partitionAssigners } = options;
  if (group !== undefined) checkName("options.group", group);
  const { from = group === undefined ? "new" : "start" } = options;
  checkStart(from);
  if (partitions !== undefined) checkPartitions(partitions, partitionAssigners);
  const member = checkMember(options);
  const drainMs = checkDuration("options.drainMs", options.drainMs ?? member.rebalanceTimeout / 2);
  // The rebalance is noticed with a heartbeat, after the fetch under way.
  const latestMs = member.rebalanceTimeout - member.heartbeatInterval - member.maxWaitTimeInMs;
  if (drainMs > latestMs) {
    const expected = `at most ${latestMs}: rebalanceTimeoutMs less heartbeatIntervalMs and fetch.maxWaitMs`;
    throw new InvalidArgumentError({ argument: "options.drainMs", expected, received: drainMs });
  }
  return {
    group,
    from,
    create: checkCreate(options.create),
    partitions,
    partitionAssigners: checkAssigners(partitionAssigners),
    maxInFlight: checkCount("options.maxInFlight", options.maxInFlight ?? 1024, 1, true),
    limits: {
      maxUncommitted: checkCount("options.maxUncommitted", options.maxUncommitted ?? 8192),
      prefetchRecords: checkCount("options.prefetch.records", options.prefetch?.records ?? 512),
      prefetchBytes: checkCount("options.prefetch.bytes", options.prefetch?.bytes ?? 2 ** 20),
    },
    commitIntervalMs: checkDuration("options.commitIntervalMs", options.commitIntervalMs ?? 100),
    drainMs,
    openTimeoutMs: checkDuration("options.openTimeoutMs", options.openTimeoutMs ?? 30_000),
    patternRefreshMs: checkDuration("options.patternRefreshMs", options.patternRefreshMs ?? 10_000),
    member,
  };
}

function checkMember(options: KafkaSubscribeOptions): CheckedSubscribeOptions["member"] {
  const { fetch = {} } = options;
  const sessionTimeout = checkCount("options.sessionTimeoutMs", options.sessionTimeoutMs ?? 30_000);
  const heartbeatInterval = checkCount("options.heartbeatIntervalMs", options.heartbeatIntervalMs ?? 3_000);
  if (heartbeatInterval * 2 > sessionTimeout) {
    throw new InvalidArgumentError({
      argument: "options.heartbeatIntervalMs",
      expected: `at most half of sessionTimeoutMs (${sessionTimeout}), or one late heartbeat ends the membership`,
      received: heartbeatInterval,
    });
  }
  return {
    sessionTimeout,
    heartbeatInterval,
    rebalanceTimeout: checkCount("options.rebalanceTimeoutMs", options.rebalanceTimeoutMs ?? 30_000),
    minBytes: checkCount("options.fetch.minBytes", fetch.minBytes ?? 1),
    maxBytes: checkCount("options.fetch.maxBytes", fetch.maxBytes ?? 2 ** 23),
    maxBytesPerPartition: checkCount(
      "options.fetch.maxBytesPerPartition",
      fetch.maxBytesPerPartition ?? 2 ** 20,
    ),
    maxWaitTimeInMs: checkCount("options.fetch.maxWaitMs", fetch.maxWaitMs ?? 500),
    readUncommitted: options.readUncommitted ?? false,
  };
}

function checkAssigners(given: unknown): CheckedSubscribeOptions["partitionAssigners"] {
  if (given === undefined) return usualAssigners;
  const list: unknown[] = Array.isArray(given) ? given : [];
  const [first, ...others] = [...new Set(list)].filter(isAssigner);
  if (first !== undefined && list.every(isAssigner)) return [first, ...others];
  const words = assignerNames.map((word) => `"${word}"`);
  throw new InvalidArgumentError({
    argument: "options.partitionAssigners",
    expected: `a list of at least one of ${words.join(", ")}`,
    received: list.find((one) => !isAssigner(one)) ?? given,
  });
}

function isAssigner(value: unknown): value is KafkaAssigner {
  return assignerNames.some((name) => name === value);
}

function checkStart(from: unknown): void {
  if (from === "new" || from === "start") return;
  const timeMs = typeof from === "object" && from !== null && "timeMs" in from ? from.timeMs : undefined;
  if (typeof timeMs === "number" && Number.isFinite(timeMs) && timeMs >= 0) return;
  throw new InvalidArgumentError({
    argument: "options.from",
    expected: '"new", "start" or { timeMs: milliseconds since 1970 }',
    received: from,
  });
}

function checkPartitions(partitions: unknown, partitionAssigners: unknown): void {
  if (partitionAssigners !== undefined) {
    const expected = "left out with options.partitions, which are not shared out";
    throw new InvalidArgumentError({
      argument: "options.partitionAssigners",
      expected,
      received: partitionAssigners,
    });
  }
  if (!Array.isArray(partitions) || partitions.length === 0) {
    const expected = "a list of partition numbers, not empty";
    throw new InvalidArgumentError({ argument: "options.partitions", expected, received: partitions });
  }
  for (const partition of partitions) checkCount("a number in options.partitions", partition, 0);
}

/** A pattern names no topic that could be created. */
export function checkPatternOptions(call: string, options: KafkaSubscribeOptions): CheckedSubscribeOptions {
  const checked = checkSubscribeOptions(call, options);
  if (!checked.create) return checked;
  const expected = "left out or false for a pattern, which names no topic to create";
  throw new InvalidArgumentError({ argument: "options.create", expected, received: options.create });
}
