import { checkFunction, checkObject } from "../traits/arguments.ts";
import type { Codec, StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { HeadersInit } from "../traits/headers.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import { type Channel, channel, checkSchema, type InputOf, type OutputOf } from "./channel.ts";
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

/** Options of `rpc(topic, options)`. */
export interface RpcOptions<
  RequestSchema extends StandardSchema = StandardSchema,
  ReplySchema extends StandardSchema = StandardSchema,
> {
  readonly request: RequestSchema;
  readonly reply: ReplySchema;
  /** Turns requests and replies into bytes and back. @default json */
  readonly codec?: Codec<unknown>;
  /** The key of a request. Requests of one key are answered in order. @default no key */
  readonly key?: (request: OutputOf<RequestSchema>) => string;
}

const names = optionNames<RpcOptions>()({ request: true, reply: true, codec: true, key: true });

/**
 * Defines a request and its reply.
 *
 * @example
 * const quotes = rpc("quotes", { request: QuoteRequest, reply: Quote });
 */
export function rpc<
  const Topic extends string,
  RequestSchema extends StandardSchema,
  ReplySchema extends StandardSchema,
>(
  topic: Topic,
  options: RpcOptions<RequestSchema, ReplySchema>,
): Rpc<Topic, OutputOf<RequestSchema>, InputOf<RequestSchema>, OutputOf<ReplySchema>, InputOf<ReplySchema>> {
  const call = `rpc("${topic}", options)`;
  checkObject(call, options);
  checkOptionNames(call, options, names);
  const { request, reply, codec, key } = options;
  checkSchema(`${call}: request`, request);
  checkSchema(`${call}: reply`, reply);
  if (key !== undefined) checkFunction(`${call}: key`, key);
  const more = codec === undefined ? {} : { codec };
  const keyed = key === undefined ? {} : { key };
  const defined = {
    topic,
    request: channel(topic, { schema: request, ...more, ...keyed }),
    // The topic of a reply is known when a request comes: it is the address in its header.
    reply: channel("reply", { schema: reply, ...more }),
  };
  known.add(defined);
  return Object.freeze(defined) as Rpc<
    Topic,
    OutputOf<RequestSchema>,
    InputOf<RequestSchema>,
    OutputOf<ReplySchema>,
    InputOf<ReplySchema>
  >;
}

const known = new WeakSet<object>();

export function checkRpc(argument: string, given: unknown): void {
  if (known.has((given ?? {}) as object)) return;
  const expected = "what rpc(topic, { request, reply }) gives";
  throw new InvalidArgumentError({ argument, expected, received: given });
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
