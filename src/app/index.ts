export { type App, type AppOptions, createApp } from "./app.ts";
export type { BatchContext, Batches, BatchHandler } from "./batch.ts";
export { type BatchesOptions, batches } from "./batches.ts";
export type { BrokerAt, BrokerName, Brokers, ConnectionOf } from "./brokers.ts";
export { type Channel, type ChannelOptions, channel, type HeadersOf } from "./channel.ts";
export type { AppMiddleware, MessageContext, MiddlewareContext, Reply } from "./context.ts";
export type { AppDescription, SubscriptionDescription } from "./describe.ts";
export { type Dispatch, dispatch } from "./dispatch.ts";
export {
  type ClassifiedOptions,
  type ClassifyingMiddleware,
  classified,
  fixed,
  PermanentError,
  RetryableError,
} from "./failures.ts";
export type { AppState, Health, Probe } from "./health.ts";
export type { AppHooks, HookContext } from "./hooks.ts";
export type { AppReport, AppRunOptions, AppStartOptions } from "./instance.ts";
export type { DeadLetterPlace, OnFailure } from "./on-failure.ts";
export type { ResponderOptions, RouterOptions, SubscriptionOptions } from "./options.ts";
export type {
  ChannelPublisher,
  Outgoing,
  Publish,
  PublishArguments,
  PublishMiddleware,
} from "./publishing.ts";
export type { RepliesOptions } from "./replies.ts";
export type { Request, Rpc } from "./request.ts";
export type { MessageHandler, Responder, Router } from "./router.ts";
export { type RpcOptions, rpc } from "./rpc.ts";
export type { TopicParams } from "./topic-template.ts";
export { type HeaderUnion, type Tagged, type UnionSchema, union, unionByHeader } from "./union.ts";
