import { checkCount, checkDuration, checkName, checkObject } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import type { ConsumerConfig, TopicCreation } from "../client.ts";
import { checkCreate, type KafkaTopicOptions, topicOptionNames } from "./topic.ts";

/**
 * Where a partition starts if the group has committed nothing in its topic. `"new"`: with records written after the
 * subscription opens. `"start"`: with the oldest record. `{ timeMs }`: with the first record at or after that time,
 * in milliseconds since 1970.
 */
export type KafkaStart = "new" | "start" | { readonly timeMs: number };

/**
 * The name of a partition assigner, as members offer it to their group: tidelane's own, "range" and "roundrobin" of
 * Java's client and librdkafka, and the one of kafkajs.
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

/** How much to ask the server for at once. */
export interface FetchOptions {
  /** The most bytes of one answer, over all partitions of a server. @default 8 MiB */
  readonly maxBytes?: number;
  /** The most bytes of one partition. A larger record is fetched alone. @default 1 MiB */
  readonly maxBytesPerPartition?: number;
  /** The server answers when it has this many bytes, or after `maxWaitMs`. @default 1 */
  readonly minBytes?: number;
  /**
   * How long the server may wait for `minBytes`, in milliseconds. Closing, a rebalance and a seek may wait this
   * long for a fetch to end. @default 500
   */
  readonly maxWaitMs?: number;
}

/**
 * How many fetched records may wait for you, per partition. At either limit, tidelane stops fetching from the
 * partition.
 */
export interface PrefetchOptions {
  /** The most records. @default 512 */
  readonly records?: number;
  /** The most bytes of keys and values. @default 1 MiB */
  readonly bytes?: number;
}

/** Options of `kafkaSource(topics, options)` and of `connection.subscribe(topics, options)`. */
export interface KafkaSubscribeOptions {
  /**
   * The consumer group. Its members share the partitions, and commit their offsets. Without a group the
   * subscription has all partitions, starts where `from` says, and commits nothing.
   */
  readonly group?: string;
  /**
   * Where a partition without a committed offset starts. @default "start" with a group, so that its first member
   * misses nothing; "new" without one
   */
  readonly from?: KafkaStart;
  /**
   * What to do if a topic is missing: `false` fails, `true` creates it with the server's defaults, an object
   * creates it with these settings. Not for a pattern. @default what the broker's `create` says
   */
  readonly create?: boolean | KafkaTopicOptions;
  /**
   * Reads these partitions of every topic, whoever else reads them. @default what the group assigns; all without a
   * group
   */
  readonly partitions?: readonly number[];
  /**
   * The assigners that this member offers its group, the best first. The group uses one that all its members offer.
   * Not with `partitions`. @default ["tidelane-sticky", "RoundRobinAssigner"]
   */
  readonly partitionAssigners?: readonly KafkaAssigner[];
  /** The most deliveries that the subscription holds unsettled. @default 1024 */
  readonly maxInFlight?: number;
  /**
   * The most records of one partition that are delivered and not yet covered by the committed offset. At the limit,
   * the partition waits. So it bounds how far others run ahead of one unsettled record, and how many records come
   * again after a crash. @default 8192
   */
  readonly maxUncommitted?: number;
  /** The longest that a settled record waits for its commit, in milliseconds. @default 100 */
  readonly commitIntervalMs?: number;
  /** How many fetched records may wait for you, per partition. */
  readonly prefetch?: PrefetchOptions;
  /** How much to ask the server for at once. */
  readonly fetch?: FetchOptions;
  /**
   * If the server gets no heartbeat for this long, in milliseconds, it gives the partitions to other members.
   * @default 30_000
   */
  readonly sessionTimeoutMs?: number;
  /** How often this member sends a heartbeat, in milliseconds; at most half of `sessionTimeoutMs`. @default 3_000 */
  readonly heartbeatIntervalMs?: number;
  /** How long the group waits for each member in a rebalance, in milliseconds. @default 30_000 */
  readonly rebalanceTimeoutMs?: number;
  /**
   * How long, in a rebalance, deliveries in flight may take to be settled, in milliseconds. Then those of
   * partitions that move are revoked. The whole group waits meanwhile. @default half of `rebalanceTimeoutMs`
   */
  readonly drainMs?: number;
  /** How long opening may take, in milliseconds, retries included. @default 30_000 */
  readonly openTimeoutMs?: number;
  /** How often a pattern looks for new topics, in milliseconds. @default 10_000 */
  readonly patternRefreshMs?: number;
  /** Whether to deliver records of transactions that are open or were aborted. @default false */
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
    const expected = "left out with options.partitions, because the group does not assign those";
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
