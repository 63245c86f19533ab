export type {
  Broker,
  Connection,
  ConnectionState,
  DescribeServer,
  PatternSubscribe,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
  UsualSourceOptions,
} from "./broker.ts";
export type { Capabilities, PublisherCapabilities } from "./capabilities.ts";
export { type Clock, sleep, systemClock, type Timer } from "./clock.ts";
export {
  bytes,
  type Codec,
  type Decoded,
  json,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
  text,
} from "./codec.ts";
export type { DiagnosticEvents, DiagnosticName, ErrorReport, NextStep } from "./diagnostics.ts";
export * from "./errors.ts";
export {
  type HeadersInit,
  type HeaderValue,
  headerNames,
  MessageHeaders,
  partitionKeyIn,
  retryCountIn,
  withRetryCount,
} from "./headers.ts";
export { Message, settledAtOnce } from "./message.ts";
export { checkOptionNames, type OptionNames, optionNames } from "./option-names.ts";
export { type CheckedMessage, checkOutgoing } from "./outgoing.ts";
export type {
  OutgoingMessage,
  Publisher,
  PublishOptions,
  RequestOptions,
  RequestReply,
  TransactionalPublisher,
} from "./publisher.ts";
export type {
  BatchOptions,
  BatchSubscriber,
  Partitioned,
  Pausable,
  Positioned,
  Seekable,
  Subscriber,
  SubscriberIterator,
} from "./subscriber.ts";
