import { checkCount, checkDuration, checkName, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidArgumentError, NotSupportedError } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import { aBoolean, checkShapes } from "../../shared/option-shapes.ts";
import type { KafkaModule, TopicCreation } from "../client.ts";
import { compressionPackages } from "../errors.ts";
import { checkCreate, type KafkaTopicOptions, topicOptionNames } from "./topic.ts";

export const compressions = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type KafkaCompression = keyof typeof compressions;

const acknowledgements = { all: -1, leader: 1, none: 0 } as const;
export type KafkaAcks = keyof typeof acknowledgements;

const partitionerNames = { murmur2: true, crc32: true } as const;
export type KafkaPartitioner = keyof typeof partitionerNames;

export interface KafkaPublisherOptions {
  /**
   * Who has to have a message before `publish` resolves: every replica that is in step, the leader of its partition, or
   * nobody, and then `capabilities.confirmation` is "none". @default "all"
   */
  readonly acks?: KafkaAcks;
  /** The server drops what a retry would write a second time. Only with acks "all", and by default then. */
  readonly idempotent?: boolean;
  /** gzip is there; the others have to be registered with kafkajs. @default "none" */
  readonly compression?: KafkaCompression;
  /**
   * Which partition a key belongs to: as in Kafka's Java client ("murmur2"), or as librdkafka has it unless told otherwise
   * ("crc32", its `consistent_random`, where an empty key counts as none). Producers of one topic must agree, or the order
   * of a key is lost. @default "murmur2"
   */
  readonly partitioner?: KafkaPartitioner;
  /**
   * Whether a missing topic is created, and how: `true` leaves everything to the server's configuration.
   * @default what the broker's `create` says
   */
  readonly create?: boolean | KafkaTopicOptions;
  /**
   * What the names of this publisher's transactions begin with on the server, over restarts: a new publisher of the same
   * name ends what an older one left open. Two at a time fence each other off. @default one for this publisher alone
   */
  readonly transactionalId?: string;
  /** The server aborts a transaction that is open for so long. @default 60_000 */
  readonly transactionTimeoutMs?: number;
  /** How long a publish may take, through retries and outages; then it rejects with `TimeoutError`. @default 30_000 */
  readonly publishTimeoutMs?: number;
  /** Bytes of one batch, no more than the server's message.max.bytes; a larger message goes alone. @default 1_000_000 */
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
  checkShapes("options", options, { idempotent: aBoolean });
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
