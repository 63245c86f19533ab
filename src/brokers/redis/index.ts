export type { ConnectOptions } from "../shared/first-connect.ts";
export { RedisBroker } from "./broker.ts";
export type { ClientOptions, ClientSocketOptions, RedisClient, RedisClientModule } from "./client.ts";
export type { RedisConnection } from "./connection/connection.ts";
export type { RedisPosition } from "./consumer/seek.ts";
export type { RedisSubscriber } from "./consumer/subscriber.ts";
export type { RedisMessage } from "./message/message.ts";
export type {
  ReconnectOptions,
  RedisBrokerOptions,
  RedisDeadLetterOptions,
  RedisPublisherOptions,
  RedisStart,
  RedisStreamOptions,
  RedisTrimOptions,
} from "./options.ts";
export type { RedisPublisher } from "./publisher/publisher.ts";
export { redisSource } from "./source.ts";
