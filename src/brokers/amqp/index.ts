export type { ConnectOptions } from "../shared/first-connect.ts";
export { AmqpBroker } from "./broker.ts";
export type { AmqpClient, AmqpProperties, AmqpTable, AmqpTls } from "./client.ts";
export type { AmqpConnection } from "./connection/connection.ts";
export type { AmqpExclusiveQueueOptions, AmqpQueueOptions } from "./consumer/options.ts";
export type { AmqpSubscriber } from "./consumer/subscriber.ts";
export type { AmqpMessage } from "./message/message.ts";
export type { AmqpBrokerOptions, AmqpPublisherOptions, ReconnectOptions } from "./options.ts";
export type { AmqpPublisher, AmqpPublishOptions } from "./publisher/publisher.ts";
export { amqpExclusiveQueue, amqpQueue } from "./source.ts";
export type {
  AmqpBinding,
  AmqpTopology,
  DeadLetterDeclaration,
  ExchangeDeclaration,
  NamedQueueDeclaration,
  QueueBinding,
  QueueDeclaration,
  QueueType,
} from "./topology/declarations.ts";
