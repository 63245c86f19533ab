export { JetStreamBroker } from "./broker.ts";
export type { JetStreamConnection } from "./connection/connection.ts";
export type { JetStreamPosition } from "./consumer/seek.ts";
export type { JetStreamSubscriber } from "./consumer/subscriber.ts";
export { JetStreamApiError } from "./errors.ts";
export type { JetStreamMessage } from "./message/message.ts";
export type {
  Expectation,
  JetStreamOptions,
  JetStreamPublisherOptions,
  JetStreamPublishOptions,
  JetStreamSubscribeOptions,
  StartPosition,
  StreamSettings,
} from "./options.ts";
export type { JetStreamPublisher, PubAck } from "./publisher/publisher.ts";
export { jetStreamPatternSource, jetStreamSource } from "./source.ts";
