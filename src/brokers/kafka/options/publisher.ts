import { checkCount, checkDuration, checkName, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidArgumentError, NotSupportedError } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import type { KafkaModule, TopicCreation } from "../client.ts";
import { compressionPackages } from "../errors.ts";
import { checkCreate, type KafkaTopicOptions, topicOptionNames } from "./topic.ts";

export const compressions = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** How kafkajs compresses a batch. */
export type KafkaCompression = keyof typeof compressions;

const acknowledgements = { all: -1, leader: 1, none: 0 } as const;
/** Who must have a message before `publish` resolves. */
export type KafkaAcks = keyof typeof acknowledgements;

const partitionerNames = { murmur2: true, crc32: true } as const;
/** How a key is hashed to a partition. */
export type KafkaPartitioner = keyof typeof partitionerNames;

/** Options of `connection.publisher(options)`. */
export interface KafkaPublisherOptions {
  /**
   * Who must have a message before `publish` resolves: "all" in-sync replicas, the "leader" of the partition, or
   * "none". With "none", `capabilities.confirmation` is "none". @default "all"
   */
  readonly acks?: KafkaAcks;
  /**
   * Retries write nothing twice, because the server drops the second copy. Only with acks "all", and then the
   * default.
   */
  readonly idempotent?: boolean;
  /** kafkajs has gzip. For the others, install a codec and register it with kafkajs. @default "none" */
  readonly compression?: KafkaCompression;
  /**
   * How a key is hashed to a partition: as Kafka's Java client does ("murmur2"), or as librdkafka does by default
   * ("crc32", where an empty key counts as none). If two producers of a topic differ, a key loses its order.
   * @default "murmur2"
   */
  readonly partitioner?: KafkaPartitioner;
  /**
   * What to do if a topic is missing: `false` fails, `true` creates it with the server's defaults, an object
   * creates it with these settings. @default what the broker's `create` says
   */
  readonly create?: boolean | KafkaTopicOptions;
  /**
   * The prefix of the transactional ids of this publisher. With the same prefix after a restart, the new publisher
   * aborts what the old one left open. Two publishers with one prefix fence each other. @default one for this
   * publisher alone
   */
  readonly transactionalId?: string;
  /** The server aborts a transaction that is open for this long, in milliseconds. @default 60_000 */
  readonly transactionTimeoutMs?: number;
  /**
   * How long a publish may take, in milliseconds, retries and outages included. Then it rejects with
   * `TimeoutError`. @default 30_000
   */
  readonly publishTimeoutMs?: number;
  /**
   * The most bytes of one batch; at most the server's message.max.bytes. A larger message goes alone. @default
   * 1_000_000
   */
  readonly maxBatchBytes?: number;
}

const publisherOptionNames = optionNames<KafkaPublisherOptions>()({
  acks: true,
  idempotent: true,
  compression: true,
  partitioner: true,
  create: topicOptionNames,
  transactionalId: true,
  transactionTimeoutMs: true,
  publishTimeoutMs: true,
  maxBatchBytes: true,
});

export interface CheckedPublisherOptions {
  readonly acks: number;
  readonly idempotent: boolean;
  readonly compression: number;
  readonly partitioner: KafkaPartitioner;
  readonly create: TopicCreation | false | undefined;
  readonly transactionalId: string | undefined;
  readonly transactionTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly maxBatchBytes: number;
}

/** Throws `NotSupportedError` on a compression kafkajs has no codec for. */
export function checkPublisherOptions(
  options: KafkaPublisherOptions,
  module: KafkaModule,
): CheckedPublisherOptions {
  checkObject("options", options);
  checkOptionNames("connection.publisher(options)", options, publisherOptionNames);
  const { acks = "all", compression = "none", partitioner = "murmur2", transactionalId } = options;
  checkWord("options.acks", acks, acknowledgements);
  checkWord("options.compression", compression, compressions);
  checkCodec(compression, module);
  checkWord("options.partitioner", partitioner, partitionerNames);
  if (transactionalId !== undefined) checkName("options.transactionalId", transactionalId);
  const idempotent = options.idempotent ?? acks === "all";
  if (idempotent && acks !== "all") {
    const expected = 'false with acks other than "all", as the server cannot keep it then';
    throw new InvalidArgumentError({ argument: "options.idempotent", expected, received: idempotent });
  }
  return {
    acks: acknowledgements[acks],
    idempotent,
    compression: compressions[compression],
    partitioner,
    create: checkCreate(options.create),
    transactionalId,
    transactionTimeoutMs: checkCount("options.transactionTimeoutMs", options.transactionTimeoutMs ?? 60_000),
    publishTimeoutMs: checkDuration("options.publishTimeoutMs", options.publishTimeoutMs ?? 30_000),
    maxBatchBytes: checkCount("options.maxBatchBytes", options.maxBatchBytes ?? 1_000_000),
  };
}

export function publisherCapabilities(
  options: CheckedPublisherOptions,
  maxPayloadBytes: number,
): PublisherCapabilities {
  return {
    confirmation: options.acks === acknowledgements.none ? "none" : "broker",
    headerValues: "bytes",
    duplicateHeaders: true,
    maxPayloadBytes,
    transactions: true,
    requestReply: false,
  };
}

function checkWord(argument: string, value: unknown, words: object): void {
  if (typeof value === "string" && Object.hasOwn(words, value)) return;
  const expected = Object.keys(words)
    .map((word) => `"${word}"`)
    .join(", ");
  throw new InvalidArgumentError({ argument, expected: `one of ${expected}`, received: value });
}

function checkCodec(compression: KafkaCompression, module: KafkaModule): void {
  if (compression === "none" || compression === "gzip") return;
  try {
    if (module.CompressionCodecs[compressions[compression]]?.() !== undefined) return;
  } catch {
    // What kafkajs has in place of a codec throws.
  }
  const name = compressionPackages[compression];
  const reason = `kafkajs has no codec for it: install ${name} and register it in kafkajs's CompressionCodecs`;
  throw new NotSupportedError({ capability: `${compression} compression`, reason });
}
