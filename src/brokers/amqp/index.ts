export type { ConnectOptions } from "../shared/first-connect.ts";
export { AmqpBroker } from "./broker.ts";
export type { AmqpClient, AmqpProperties, AmqpTable, AmqpTls } from "./client.ts";
export type { AmqpConnection } from "./connection/connection.ts";
export type { AmqpSubscriber } from "./consumer/subscriber.ts";
export type { AmqpMessage } from "./message/message.ts";
export type { AmqpBrokerOptions, ReconnectOptions } from "./options/options.ts";
export type { AmqpPublisherOptions } from "./options/publisher.ts";
export type { AmqpExclusiveQueueOptions, AmqpQueueOptions } from "./options/subscription.ts";
export type {
  AmqpBinding,
  AmqpTopology,
  DeadLetterDeclaration,
  ExchangeDeclaration,
  NamedQueueDeclaration,
  QueueBinding,
  QueueDeclaration,
  QueueType,
} from "./options/topology.ts";
export type { AmqpPublisher, AmqpPublishOptions } from "./publisher/publisher.ts";
export { amqpExclusiveQueue, amqpQueue } from "./source.ts";
