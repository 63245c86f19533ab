import { checkFunction, checkObject } from "../traits/arguments.ts";
import { type Codec, json, type StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { MessageHeaders } from "../traits/headers.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import { TopicTemplate } from "./topic-template.ts";

/**
 * The one definition of a topic, for those who publish to it, handle it, test it or document it. It is data: it
 * belongs to no broker.
 *
 * `Value` is what handlers get, `Input` what `publish` takes, and `Headers` the schema of the headers.
 */
export interface Channel<
  Topic extends string = string,
  Value = unknown,
  Input = Value,
  Headers extends StandardSchema | undefined = StandardSchema | undefined,
> {
  /** The topic as you gave it, with its parameters: `"orders.{tenant}"`. */
  readonly topic: Topic;
  readonly schema: StandardSchema | undefined;
  readonly codec: Codec<unknown>;
  readonly headers: Headers;
  readonly key: KeyOf<Value> | undefined;
  /** Only for the compiler. */
  readonly "~types"?: { readonly value: Value; readonly input: Input };
}

/** Of a value as handlers get it. As a method, so that a channel of orders is a channel of unknown values too. */
type KeyOf<Value> = { key(value: Value): string }["key"];

/** What a schema takes. */
export type InputOf<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["input"];
/** What a schema gives. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

type ValueOf<Schema, Carried> = Schema extends StandardSchema ? OutputOf<Schema> : Carried;
type GivenOf<Schema, Carried> = Schema extends StandardSchema ? InputOf<Schema> : Carried;

/** Options of `channel(topic, options)`. */
export interface ChannelOptions<
  Schema extends StandardSchema | undefined = undefined,
  Carried = unknown,
  Headers extends StandardSchema | undefined = undefined,
> {
  /**
   * Any Standard Schema, of zod, valibot, arktype and others. `publish` takes its input type and rejects an invalid
   * value. Handlers get its output type. The input is what travels, because the consumer validates it again.
   * @default no check
   */
  readonly schema?: Schema;
  /** Turns values into bytes and back. @default json */
  readonly codec?: Codec<Carried>;
  /**
   * The key of a value, always a string: the partition key on publish, and the lane of its handler. Equal values
   * must have equal keys. @default no key
   */
  readonly key?: (value: ValueOf<Schema, Carried>) => string;
  /** A schema for the headers, as an object of lower-case names and texts. @default no check */
  readonly headers?: Headers;
}

const names = optionNames<ChannelOptions>()({ schema: true, codec: true, key: true, headers: true });

/**
 * Defines a channel.
 *
 * @example
 * const orders = channel("orders.{tenant}", { schema: Order, key: (order) => order.customer });
 */
export function channel<
  const Topic extends string,
  Schema extends StandardSchema | undefined = undefined,
  Carried = unknown,
  Headers extends StandardSchema | undefined = undefined,
>(
  topic: Topic,
  options: ChannelOptions<Schema, Carried, Headers> = {},
): Channel<Topic, ValueOf<Schema, Carried>, GivenOf<Schema, Carried>, Headers> {
  const template = new TopicTemplate("channel(topic)", topic);
  const call = `channel("${topic}", options)`;
  checkObject(call, options);
  checkOptionNames(call, options, names);
  const { schema, codec = json, key, headers } = options;
  if (schema !== undefined) checkSchema(`${call}: schema`, schema);
  if (headers !== undefined) checkSchema(`${call}: headers`, headers);
  if (key !== undefined) checkFunction(`${call}: key`, key);
  checkCodec(`${call}: codec`, codec);
  const defined = { topic, schema, codec: codec as Codec<unknown>, headers: headers as Headers, key };
  templates.set(defined, template);
  return Object.freeze(defined);
}

/** The headers as a handler gets them: what the schema gives, or all of them. */
export type HeadersOf<Headers> = Headers extends StandardSchema ? OutputOf<Headers> : MessageHeaders;

/** What channel() made, with its topic as it was read. */
const templates = new WeakMap<object, TopicTemplate>();

/** The topic of a channel. Throws where `channel` is none; `argument` is where it was given. */
export function templateOf(argument: string, channel: Channel): TopicTemplate {
  const template = templates.get(channel ?? {});
  if (template !== undefined) return template;
  const { request } = (channel ?? {}) as { readonly request?: object };
  const expected = templates.has(request ?? {})
    ? "a channel, and this is an rpc: answer it with app.respond(), and ask with request()"
    : "a channel, as channel(topic, options) gives one";
  throw new InvalidArgumentError({ argument, expected, received: channel });
}

export function isChannel(given: unknown): boolean {
  return templates.has((given ?? {}) as object);
}

/** A call as the caller wrote it, with the topic it is about: `app.subscribe("orders")`. */
export function callOf(
  name: string,
  argument: string,
  given: { readonly topic?: unknown } | undefined,
): string {
  return typeof given?.topic === "string" ? `${name}("${given.topic}")` : `${name}(${argument})`;
}

export function checkSchema(argument: string, schema: unknown): void {
  const { "~standard": standard } = (schema ?? {}) as Partial<StandardSchema>;
  if (typeof standard?.validate === "function") return;
  const expected = "a Standard Schema, as zod, valibot and arktype make them";
  throw new InvalidArgumentError({ argument, expected, received: schema });
}

export function checkCodec(argument: string, codec: unknown): void {
  const { decode, encode, contentType } = (codec ?? {}) as Partial<Codec<unknown>>;
  if (typeof decode === "function" && typeof encode === "function" && typeof contentType === "string") return;
  const expected = "a codec: json, text, bytes or your own { contentType, encode, decode }";
  throw new InvalidArgumentError({ argument, expected, received: codec });
}
