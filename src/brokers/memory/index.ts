export { MemoryBroker } from "./broker.ts";
export type { MemoryConnection } from "./connection/connection.ts";
export type { MemorySubscriber } from "./consumer/subscriber.ts";
export type { MemoryMessage } from "./message/message.ts";
export type {
  CapacityOptions,
  DeadLetterOptions,
  MemoryBrokerOptions,
  MemoryPosition,
  RetainOptions,
  SubscribeOptions,
  TopicOptions,
  UnreadOptions,
} from "./options/options.ts";
export type { MemoryPublisher } from "./publisher/publisher.ts";
export { memoryPatternSource, memorySource } from "./source.ts";
