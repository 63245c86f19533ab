export { MemoryBroker, type MemoryBrokerOptions } from "./broker.ts";
export type { MemoryConnection } from "./connection.ts";
export type { MemoryMessage } from "./message.ts";
export type {
  CapacityOptions,
  DeadLetterOptions,
  MemoryPosition,
  RetainOptions,
  SubscribeOptions,
  TopicOptions,
  UnreadOptions,
} from "./options.ts";
export type { MemoryPublisher } from "./publisher.ts";
export { memoryPatternSource, memorySource } from "./source.ts";
export type { MemorySubscriber } from "./subscriber.ts";
