export * from "../jetstream/index.ts";
export type { ConnectOptions } from "../shared/first-connect.ts";
export { NatsBroker } from "./broker.ts";
export type {
  ClientAuth,
  ClientAuthenticator,
  ClientConnection,
  ClientHeaders,
  ClientMessage,
  ClientModule,
  ClientOptions,
  ClientPublishOptions,
  ClientServerInfo,
  ClientStatus,
  ClientSubscribeOptions,
  ClientSubscription,
  ClientTlsOptions,
} from "./client.ts";
export type { NatsConnection } from "./connection/connection.ts";
export type { NatsSubscriber } from "./consumer/subscriber.ts";
export type { NatsMessage } from "./message/message.ts";
export type {
  HandedInConnection,
  NatsOptions,
  NatsPublisherOptions,
  NatsSubscribeOptions,
  OverflowPolicy,
  ReconnectOptions,
} from "./options.ts";
export type { NatsPublisher } from "./publisher/publisher.ts";
export { natsPatternSource, natsSource } from "./source.ts";
