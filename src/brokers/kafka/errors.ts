import {
  ConnectFailedError,
  InvalidMessageError,
  PublishFailedError,
  type TidelaneError,
} from "../../traits/errors.ts";
import type { Secrets } from "../shared/secrets.ts";

/** An error of kafkajs or of the server, in tidelane's words. */
export interface Fault {
  /** The end of a sentence, without a credential. */
  readonly reason: string;
  /** Trying again would change nothing. */
  readonly final: boolean;
  /** Of the network, or of servers among themselves, as while a cluster restarts: it passes. */
  readonly outage: boolean;
  /** Of the protocol: "UNKNOWN_TOPIC_OR_PARTITION"; undefined for any other error. */
  readonly type: string | undefined;
  readonly cause: unknown;
}

/** The fields of errors of kafkajs and of Node that are read here. */
interface ClientError {
  readonly name: string;
  readonly message: string;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly broker?: unknown;
  readonly retriable?: unknown;
}

/** A topic that is not there, named: kafkajs says only that one is. */
export class MissingTopic extends Error {
  readonly type = "UNKNOWN_TOPIC_OR_PARTITION";

  constructor(topic: string) {
    super(`the topic "${topic}" does not exist on the server; create it, or set create: true`);
    this.name = "MissingTopic";
  }
}

/** A partition asked for by number that its topic does not have. */
export class MissingPartition extends Error {
  readonly type = "INVALID_PARTITIONS";

  constructor(topic: string, partition: number, count: number) {
    super(
      `the topic "${topic}" has no partition ${partition}: it has ${count}, counted from 0; ask for another, or add partitions`,
    );
    this.name = "MissingPartition";
  }
}

/** A topic that exists with fewer partitions than it would be created with. */
export class FewerPartitions extends Error {
  readonly type = "INVALID_PARTITIONS";

  constructor(topic: string, count: number, wanted: number) {
    super(
      `the topic "${topic}" has ${count} ${count === 1 ? "partition" : "partitions"} and create.partitions asks for ${wanted}; tidelane changes no topic that exists: add partitions to it, or ask for fewer`,
    );
    this.name = "FewerPartitions";
  }
}

/** Errors of the protocol and of TLS, in words that say what to do. Of those in `finalTypes` no second attempt comes. */
const words: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: "the server refuses this user the topic; it needs an ACL for it",
  GROUP_AUTHORIZATION_FAILED: "the server refuses this user the group; it needs an ACL for it",
  CLUSTER_AUTHORIZATION_FAILED:
    "the server refuses this user an operation on the cluster; it needs an ACL for it",
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    "the server refuses this user the transactional id; it needs an ACL for it",
  UNKNOWN_TOPIC_OR_PARTITION: "the topic does not exist on the server; create it, or set create: true",
  INVALID_REPLICATION_FACTOR:
    "the cluster has fewer servers than create.replicationFactor asks for; ask for no more than it has",
  INVALID_CONFIG: "the server does not accept create.config; check its names and values",
  POLICY_VIOLATION: "a policy of the server forbids to create the topic with these settings",
  INVALID_TOPIC_EXCEPTION: "the server does not accept the name of the topic",
  INVALID_GROUP_ID: "the server does not accept the name of the group",
  INVALID_SESSION_TIMEOUT:
    "the server does not accept sessionTimeoutMs; its limits are group.min.session.timeout.ms and group.max.session.timeout.ms",
  INCONSISTENT_GROUP_PROTOCOL:
    "other members of the group share out partitions with another assigner; name one of theirs in partitionAssigners, or use another group",
  UNSUPPORTED_SASL_MECHANISM: "the server does not offer this SASL mechanism",
  INVALID_RECORD: "the server does not accept the record; in a compacted topic every record needs a key",
  MESSAGE_TOO_LARGE: "it is larger than the server's message.max.bytes",
  RECORD_LIST_TOO_LARGE: "it is larger than the server's segment.bytes",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate of the server is not trusted; give its issuer in ssl.ca",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate of the server is not trusted; give its issuer in ssl.ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate of the server is not trusted; give its issuer in ssl.ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the certificate of the server is not trusted; give its issuer in ssl.ca",
  CERT_HAS_EXPIRED: "the certificate of the server has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate of the server is for another host name",
  ERR_SSL_WRONG_VERSION_NUMBER: "TLS is on in the options, and the port does not speak it",
  EPROTO: "TLS is on in the options, and the port does not speak it",
};

const finalTypes = new Set([
  ...Object.keys(words).filter((type) => type !== "UNKNOWN_TOPIC_OR_PARTITION"),
  "UNSUPPORTED_VERSION",
  "ILLEGAL_SASL_STATE",
  "FENCED_INSTANCE_ID",
  "GROUP_MAX_SIZE_REACHED",
  "INVALID_PARTITIONS",
]);

const outages = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSBrokerNotFound",
  "KafkaJSNoBrokerAvailableError",
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSLockTimeout",
  "KafkaJSMetadataNotLoaded",
  "KafkaJSTopicMetadataNotLoaded",
]);

const finalNames = new Set([
  "KafkaJSSASLAuthenticationError",
  "KafkaJSNotImplemented",
  "KafkaJSUnsupportedMagicByteInMessageSet",
  "KafkaJSServerDoesNotSupportApiKey",
]);

/** The package that teaches kafkajs a compression, by the name of the compression. */
export const compressionPackages: Readonly<Record<"snappy" | "lz4" | "zstd", string>> = {
  snappy: "kafkajs-snappy",
  lz4: "kafkajs-lz4",
  zstd: "@kafkajs/zstd",
};

export function faultOf(error: unknown, secrets: Secrets): Fault {
  const root = rootOf(error);
  const type = typeof root.type === "string" ? root.type : undefined;
  const final = finalNames.has(root.name) || finalTypes.has(type ?? String(root.code));
  const passes =
    outages.has(root.name) || isUnanswered(root) || (type !== undefined && root.retriable === true);
  const outage = passes && !final && type !== "UNKNOWN_TOPIC_OR_PARTITION";
  return { reason: secrets.clean(reasonOf(root, type)), final, outage, type, cause: secrets.cause(error) };
}

/**
 * If no server has answered, as for a topic that has no leader yet, kafkajs goes on with null for the answer, or with the
 * last of an empty list, and throws a TypeError.
 */
function isUnanswered(error: ClientError): boolean {
  return error instanceof TypeError && /\b(topicMetadata|brokers)\b|\.pop\(/.test(error.message);
}

/** What is at the bottom of the retries and wrappers of kafkajs. */
function rootOf(error: unknown): ClientError {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error && root.cause !== root) root = root.cause;
  // An admin call about several topics has an error for each; here it is always about one.
  if (root instanceof Error && "errors" in root && Array.isArray(root.errors) && root.errors.length > 0)
    return rootOf(root.errors[0]);
  return root instanceof Error ? root : { name: "Error", message: String(root) };
}

function reasonOf(error: ClientError, type: string | undefined): string {
  if (error instanceof MissingTopic || error instanceof MissingPartition || error instanceof FewerPartitions)
    return error.message;
  const known = words[type ?? ""] ?? words[String(error.code)];
  if (known !== undefined) return known;
  if (isUnanswered(error)) return "no server of the cluster had an answer";
  const at = typeof error.broker === "string" ? ` at ${error.broker}` : "";
  if (error.name === "KafkaJSSASLAuthenticationError")
    return `the server refused the credentials: ${tail(error)}`;
  if (error.name === "KafkaJSNotImplemented") return `a record is compressed: ${withPackage(tail(error))}`;
  if (error.code === "ECONNREFUSED") return `nothing listens${at}; check the port, and that the server is up`;
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN")
    return `there is no such host: ${tail(error)}`;
  // "Broker not connected" is what kafkajs says of a connection whose first request was not answered.
  if (error.message === "Connection timeout" || error.message === "Broker not connected")
    return `no answer${at} in time; check the host and the port`;
  if (error.name === "KafkaJSConnectionClosedError" || error.code === "ECONNRESET") {
    return `the server${at} closed the connection`;
  }
  return tail(error);
}

function withPackage(text: string): string {
  const name = (["snappy", "lz4", "zstd"] as const).find((one) => text.toLowerCase().includes(one));
  return name === undefined
    ? text
    : `install ${compressionPackages[name]} and register it in kafkajs's CompressionCodecs`;
}

/** A message without the full stop of its own. */
function tail({ message }: ClientError): string {
  return message.replace(/[.\s]+$/, "");
}

export function connectError(broker: string, error: unknown, secrets: Secrets): ConnectFailedError {
  const { reason, final, cause } = faultOf(error, secrets);
  const question = reason.endsWith("closed the connection")
    ? "; check whether it wants TLS or SASL, and that the options say the same"
    : "";
  return new ConnectFailedError({ broker, reason: reason + question, retryable: !final, cause });
}

const refusals = new Set([
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
]);

/** What a failed send says to those who published. `creates`: the next attempt makes a topic that is missing. */
export function publishError(
  topic: string,
  error: unknown,
  secrets: Secrets,
  creates: boolean,
): TidelaneError {
  const { reason, final, type, cause } = faultOf(error, secrets);
  if (type !== undefined && refusals.has(type)) return new InvalidMessageError({ topic, reason, cause });
  const retryable = !final && (creates || type !== "UNKNOWN_TOPIC_OR_PARTITION");
  return new PublishFailedError({ topic, reason, retryable, cause });
}
