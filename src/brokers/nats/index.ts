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
export type { NatsConnection } from "./connection.ts";
export { JetStreamApiError } from "./errors.ts";
export { JetStreamBroker } from "./jetstream/broker.ts";
export type { JetStreamConnection } from "./jetstream/connection.ts";
export type { JetStreamMessage } from "./jetstream/message.ts";
export type {
  JetStreamOptions,
  JetStreamSubscribeOptions,
  StartPosition,
} from "./jetstream/options.ts";
export type {
  Expectation,
  JetStreamPublisher,
  JetStreamPublisherOptions,
  JetStreamPublishOptions,
  PubAck,
} from "./jetstream/publisher.ts";
export { jetStreamPatternSource, jetStreamSource } from "./jetstream/source.ts";
export type { StreamSettings } from "./jetstream/stream.ts";
export type { JetStreamPosition, JetStreamSubscriber } from "./jetstream/subscriber.ts";
export type { NatsMessage } from "./message.ts";
export type {
  HandedInConnection,
  NatsOptions,
  NatsSubscribeOptions,
  OverflowPolicy,
  ReconnectOptions,
} from "./options.ts";
export type { NatsPublisher, NatsPublisherOptions } from "./publisher.ts";
export { natsPatternSource, natsSource } from "./source.ts";
export type { NatsSubscriber } from "./subscriber.ts";
