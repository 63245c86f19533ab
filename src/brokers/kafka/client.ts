import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { loadClient } from "../shared/load-client.ts";

// The part of kafkajs 2.2 that is called here, so that it stays an optional peer and a fake of it stays short. Offsets
// are decimal strings there; the names of events are those of `consumer.events`.

/** The part of the package `kafkajs` that tidelane calls. */
export interface KafkaModule {
  readonly Kafka: new (config: ClientConfig) => Client;
  readonly PartitionAssigners: { readonly roundRobin: CreateAssigner };
  readonly AssignerProtocol: {
    readonly MemberMetadata: {
      encode(metadata: { version: number; topics: string[]; userData: Buffer }): Buffer;
      decode(buffer: Buffer): { readonly topics: string[]; readonly userData: Buffer } | null;
    };
    readonly MemberAssignment: {
      encode(assignment: {
        version: number;
        assignment: { [topic: string]: number[] };
        userData: Buffer;
      }): Buffer;
    };
  };
  /** The codecs by their numbers. A codec that is not installed throws. */
  readonly CompressionCodecs: { readonly [type: number]: (() => unknown) | undefined };
}

/** Rejects with `ConnectFailedError` if it is not installed. */
export function loadKafkajs(broker: string): Promise<KafkaModule> {
  return loadClient(broker, "kafkajs@^2.2.4", () => import("kafkajs") as Promise<KafkaModule>);
}

/** How kafkajs tries again by itself. */
export interface RetryConfig {
  readonly initialRetryTime?: number;
  readonly maxRetryTime?: number;
  readonly retries?: number;
  readonly restartOnFailure?: (error: Error) => Promise<boolean>;
}

/** Credentials, as kafkajs takes them. */
export type SaslOptions =
  | ({ readonly mechanism: "plain" } & Login)
  | ({ readonly mechanism: "scram-sha-256" } & Login)
  | ({ readonly mechanism: "scram-sha-512" } & Login)
  | {
      readonly mechanism: "oauthbearer";
      readonly oauthBearerProvider: () => Promise<{ value: string }>;
    }
  | {
      readonly mechanism: "aws";
      readonly authorizationIdentity: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    };

interface Login {
  readonly username: string;
  readonly password: string;
}

export interface SocketFactoryArgs {
  readonly host: string;
  readonly port: number;
  readonly ssl: ConnectionOptions;
  readonly onConnect: () => void;
}

export interface ClientConfig {
  brokers: string[];
  clientId: string;
  ssl?: ConnectionOptions | boolean;
  sasl?: SaslOptions;
  connectionTimeout: number;
  requestTimeout: number;
  retry: RetryConfig;
  socketFactory?: (args: SocketFactoryArgs) => Socket;
  logLevel: number;
}

export interface Client {
  producer(config: ProducerConfig): ClientProducer;
  consumer(config: ConsumerConfig): ClientConsumer;
  admin(): ClientAdmin;
}

// ---- admin

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

/** An offset as a group commits it, with a text for itself to read again. */
export interface OffsetAndMetadata extends PartitionOffset {
  readonly metadata: string | null;
}

/** A topic to create, as kafkajs takes it. -1 leaves the number to the server. */
export interface TopicCreation {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: { name: string; value: string }[];
}

export interface ClientAdmin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /** Whether it made them: `false` where all were there. */
  createTopics(options: {
    topics: ({ topic: string } & TopicCreation)[];
    waitForLeaders: boolean;
  }): Promise<boolean>;
  describeCluster(): Promise<{ readonly brokers: readonly unknown[] }>;
  fetchTopicMetadata(options: {
    topics: string[];
  }): Promise<{ topics: readonly { name: string; partitions: readonly { partitionId: number }[] }[] }>;
  /** `high` is the offset after the last record, `low` the one of the first. */
  fetchTopicOffsets(topic: string): Promise<readonly (PartitionOffset & { high: string; low: string })[]>;
  /** The first record at or after `timestamp`, or the end. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp: number): Promise<readonly PartitionOffset[]>;
  /** "-1" for a partition the group has committed nothing in. */
  fetchOffsets(options: {
    groupId: string;
    topics: string[];
  }): Promise<readonly { topic: string; partitions: readonly OffsetAndMetadata[] }[]>;
}

// ---- consumer

/** What an assigner is made with. The cluster is the consumer's own, and every join looks up its coordinator there. */
export interface AssignerConfig {
  readonly cluster: {
    findGroupCoordinator(group: { groupId: string }): Promise<unknown>;
    addMultipleTargetTopics(topics: string[]): Promise<void>;
    findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  };
}

export interface Assigner {
  readonly name: string;
  readonly version: number;
  assign(group: {
    members: { memberId: string; memberMetadata: Buffer }[];
    topics: string[];
  }): Promise<{ memberId: string; memberAssignment: Buffer }[]>;
  protocol(subscription: { topics: string[] }): { name: string; metadata: Buffer };
}

// Written as a method, so that an assigner of kafkajs, which wants more of the cluster, is one too.
export type CreateAssigner = { create(config: AssignerConfig): Assigner }["create"];

export interface ConsumerConfig {
  groupId: string;
  partitionAssigners: CreateAssigner[];
  sessionTimeout: number;
  rebalanceTimeout: number;
  heartbeatInterval: number;
  minBytes: number;
  maxBytes: number;
  maxBytesPerPartition: number;
  maxWaitTimeInMs: number;
  readUncommitted: boolean;
  allowAutoTopicCreation: boolean;
  retry: RetryConfig;
}

export interface ClientRecord {
  readonly offset: string;
  /** Milliseconds since 1970. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: ClientHeaders;
}

/** One name's values in one array; a name that occurs once has its value bare. */
export interface ClientHeaders {
  [name: string]: Buffer | string | (Buffer | string)[] | undefined;
}

export interface ClientBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ClientRecord[];
  /** Where the fetch that brought this batch began. kafkajs 2.2.4 has it, its types do not. */
  readonly fetchedOffset?: string;
  /** Of the last record, one that is not shown included: a control record, or one of an aborted transaction. */
  lastOffset(): string;
}

export interface EachBatchPayload {
  readonly batch: ClientBatch;
  /** The fetch position moves behind `offset`. Commits nothing. */
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  isRunning(): boolean;
  /** The partition was moved by `seek` since this batch was fetched. */
  isStale(): boolean;
}

export interface RunConfig {
  autoCommit: boolean;
  eachBatchAutoResolve: boolean;
  partitionsConsumedConcurrently: number;
  eachBatch(payload: EachBatchPayload): Promise<void>;
}

export interface TopicPartitions {
  topic: string;
  partitions: number[];
}

export interface TopicPartitionOffset {
  topic: string;
  partition: number;
  offset: string;
}

export interface ClientConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: { topics: string[]; fromBeginning: boolean }): Promise<void>;
  run(config: RunConfig): Promise<void>;
  commitOffsets(offsets: (TopicPartitionOffset & { metadata: string | null })[]): Promise<void>;
  seek(position: TopicPartitionOffset): void;
  pause(partitions: TopicPartitions[]): void;
  resume(partitions: TopicPartitions[]): void;
  on(event: "consumer.crash", listener: (event: Event<{ error: Error }>) => void): () => void;
  on(
    event: "consumer.group_join",
    listener: (event: Event<{ memberAssignment: { [topic: string]: number[] } }>) => void,
  ): () => void;
  /** Also for a batch without a visible record, which `eachBatch` never sees. */
  on(
    event: "consumer.start_batch_process",
    listener: (
      event: Event<{
        topic: string;
        partition: number;
        batchSize: number;
        firstOffset: string;
        lastOffset: string;
      }>,
    ) => void,
  ): () => void;
  on(event: "consumer.fetch_start", listener: (event: Event<unknown>) => void): () => void;
}

export interface Event<Payload> {
  readonly payload: Payload;
}

// ---- producer

export interface ProducerConfig {
  createPartitioner: () => (args: { message: { partition?: number } }) => number;
  idempotent: boolean;
  transactionalId?: string;
  transactionTimeout?: number;
  allowAutoTopicCreation: boolean;
  retry: RetryConfig;
}

export interface ClientMessage {
  key: Buffer | null;
  value: Buffer | null;
  partition?: number;
  headers: ClientHeaders;
  timestamp?: string;
}

export interface SendRequest {
  topic: string;
  messages: ClientMessage[];
  acks: number;
  compression: number;
}

export interface Sender {
  send(request: SendRequest): Promise<unknown>;
}

export interface ClientProducer extends Sender {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  transaction(): Promise<ClientTransaction>;
}

export interface ClientTransaction extends Sender {
  sendOffsets(offsets: {
    consumerGroupId: string;
    topics: { topic: string; partitions: OffsetAndMetadata[] }[];
  }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}
