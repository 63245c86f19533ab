import type { HeadersInit } from "../traits/headers.ts";
import type { Channel } from "./channel.ts";
import type { PublishArguments } from "./publishing.ts";

/**
 * A question and its answer: the topic requests go to, and the schemas of both. Shared by the one who asks and the one who
 * responds, as a channel is.
 */
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
  /** Milliseconds to wait for the reply; then `TimeoutError`. @default 30_000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The broker to ask on. @default in a handler the one its message came from; else the app's only one */
  readonly on?: On;
}

/**
 * Sends a request and resolves with the checked reply. Rejects with `RemoteError` where the responder failed, with
 * `TimeoutError` where no reply came, and with `InvalidMessageError`, having sent nothing, where the request does not fit.
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
