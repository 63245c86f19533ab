import { checkFunction, checkObject } from "../traits/arguments.ts";
import type { Codec, StandardSchema } from "../traits/codec.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import { channel, checkSchema, type InputOf, type OutputOf } from "./channel.ts";
import type { Rpc } from "./request.ts";
import { Requester } from "./requester.ts";
import { answering, askedDecoder } from "./respond.ts";
import { type RpcParts, registerRpc } from "./rpc-parts.ts";

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

/** Brought by rpc() alone, so that a program without requests leaves it out of its bundle. */
const parts: RpcParts = {
  answering,
  askedDecoder,
  requester: (home) => new Requester(home),
};

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
  checkObject(call, options, "an object with the schemas request and reply");
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
  registerRpc(defined, parts);
  return Object.freeze(defined) as Rpc<
    Topic,
    OutputOf<RequestSchema>,
    InputOf<RequestSchema>,
    OutputOf<ReplySchema>,
    InputOf<ReplySchema>
  >;
}
