export type { ConnectOptions } from "../shared/first-connect.ts";
export { AmqpBroker } from "./broker.ts";
export type { AmqpClient, AmqpProperties, AmqpTable, AmqpTls } from "./client.ts";
export type { AmqpConnection } from "./connection.ts";
export type {
  AmqpBinding,
  AmqpTopology,
  DeadLetterDeclaration,
  ExchangeDeclaration,
  NamedQueueDeclaration,
  QueueBinding,
  QueueDeclaration,
  QueueType,
} from "./declarations.ts";
export type { AmqpMessage } from "./message.ts";
export type { AmqpBrokerOptions, AmqpPublisherOptions, ReconnectOptions } from "./options.ts";
export type { AmqpExclusiveQueueOptions, AmqpQueueOptions } from "./plan.ts";
export type { AmqpPublisher, AmqpPublishOptions } from "./publisher.ts";
export { amqpExclusiveQueue, amqpQueue } from "./source.ts";
export type { AmqpSubscriber } from "./subscriber.ts";
