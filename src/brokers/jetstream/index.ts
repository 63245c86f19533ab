export { JetStreamBroker } from "./broker.ts";
export type { JetStreamConnection } from "./connection/connection.ts";
export type { JetStreamPosition, JetStreamSubscriber } from "./consumer/subscriber.ts";
export { JetStreamApiError } from "./errors.ts";
export type { JetStreamMessage } from "./message/message.ts";
export type { JetStreamOptions, JetStreamSubscribeOptions, StartPosition } from "./options.ts";
export type {
  Expectation,
  JetStreamPublisher,
  JetStreamPublisherOptions,
  JetStreamPublishOptions,
  PubAck,
} from "./publisher/publisher.ts";
export { jetStreamPatternSource, jetStreamSource } from "./source.ts";
export type { StreamSettings } from "./topology/stream.ts";
