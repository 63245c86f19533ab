export type { ConnectOptions } from "../shared/first-connect.ts";
export { KafkaBroker } from "./broker.ts";
export type { KafkaModule, SaslOptions } from "./client.ts";
export type { KafkaConnection } from "./connection/connection.ts";
export type { KafkaPosition } from "./consumer/seek.ts";
export type { KafkaSubscriber, TopicPartition } from "./consumer/subscriber.ts";
export type { KafkaMessage, KafkaOffset } from "./message/message.ts";
export type { KafkaOutgoingMessage } from "./message/outgoing.ts";
export { tombstone } from "./message/tombstone.ts";
export type { KafkaBrokerOptions } from "./options/options.ts";
export type {
  KafkaAcks,
  KafkaCompression,
  KafkaPartitioner,
  KafkaPublisherOptions,
} from "./options/publisher.ts";
export type {
  FetchOptions,
  KafkaAssigner,
  KafkaStart,
  KafkaSubscribeOptions,
  PrefetchOptions,
} from "./options/subscription.ts";
export type { KafkaTopicOptions } from "./options/topic.ts";
export type { KafkaPublisher } from "./publisher/publisher.ts";
export type { KafkaTransaction, KafkaTransactionOptions } from "./publisher/transaction.ts";
export { kafkaPatternSource, kafkaSource } from "./source.ts";
