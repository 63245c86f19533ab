import type { HeadersInit } from "../traits/headers.ts";
import type { Channel } from "./channel.ts";
import type { PublishArguments } from "./publishing.ts";

/** A request and its reply: the topic, and the schemas of both. The requester and the responder share it. */
export interface Rpc<
  Topic extends string = string,
  RequestValue = unknown,
  RequestInput = RequestValue,
  ReplyValue = unknown,
  ReplyInput = ReplyValue,
> {
  readonly topic: Topic;
  readonly request: Channel<Topic, RequestValue, RequestInput, undefined>;
  readonly reply: Channel<string, ReplyValue, ReplyInput, undefined>;
}

/** How long a request waits where it does not say. */
export const requestTimeoutMs = 30_000;

export interface RequestBase<On> {
  /** How long to wait for the reply, in milliseconds. Then it rejects with `TimeoutError`. @default 30_000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The broker to ask on. @default in a handler the one its message came from; else the app's only one */
  readonly on?: On;
}

/**
 * Sends a request, and resolves with the checked reply. Rejects with `RemoteError` if the responder threw, and with
 * `TimeoutError` if no reply came in time. If the request is invalid, it rejects with `InvalidMessageError` and
 * sends nothing.
 */
export type Request<On extends string = never> = <
  Topic extends string,
  RequestValue,
  RequestInput,
  ReplyValue,
  ReplyInput,
>(
  rpc: Rpc<Topic, RequestValue, RequestInput, ReplyValue, ReplyInput>,
  value: NoInfer<RequestInput>,
  ...options: PublishArguments<Topic, undefined, On, RequestBase<On>>
) => Promise<ReplyValue>;

/** The options of a request as the library reads them. */
export interface GivenRequestOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly on?: string | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly headers?: HeadersInit | undefined;
}
