export type { ConnectOptions } from "../shared/first-connect.ts";
export { RedisBroker } from "./broker.ts";
export type { RedisClient, RedisClientModule, RedisClientOptions, RedisSocketOptions } from "./client.ts";
export type { RedisConnection } from "./connection/connection.ts";
export type { RedisPosition } from "./consumer/seek.ts";
export type { RedisSubscriber } from "./consumer/subscriber.ts";
export type { RedisMessage } from "./message/message.ts";
export type {
  ReconnectOptions,
  RedisBrokerOptions,
  RedisDeadLetter,
  RedisPublisherOptions,
  RedisStart,
  RedisStreamOptions,
  RedisTrim,
} from "./options.ts";
export type { RedisPublisher } from "./publisher/publisher.ts";
export { redisSource } from "./source.ts";
