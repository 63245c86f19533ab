import type { StandardSchema } from "../traits/codec.ts";
import type { HeadersInit } from "../traits/headers.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import type { Channel, InputOf } from "./channel.ts";
import type { TopicParams } from "./topic-template.ts";

/** What every publish takes. `On` are the names of the app's brokers. */
interface PublishBase<On> {
  readonly signal?: AbortSignal;
  /** The broker to publish to. @default in a handler the one its message came from; else the app's only one */
  readonly on?: On;
}

/** Needed exactly where the topic has parameters. */
type WithParams<Topic extends string> = string extends Topic
  ? { readonly params?: TopicParams<Topic> }
  : Topic extends `${string}{${string}`
    ? { readonly params: TopicParams<Topic> }
    : { readonly params?: undefined };

/** Checked, and needed where the schema needs one. */
type WithHeaders<Headers> = Headers extends StandardSchema
  ? Partial<InputOf<Headers>> extends InputOf<Headers>
    ? { readonly headers?: InputOf<Headers> }
    : { readonly headers: InputOf<Headers> }
  : { readonly headers?: HeadersInit };

type WithAll<Topic extends string, Headers, More> = More & WithParams<Topic> & WithHeaders<Headers>;

/** The options of `publish`: needed only if the topic has parameters, or if a headers schema needs headers. */
export type PublishArguments<Topic extends string, Headers, On, More = PublishBase<On>> =
  Partial<WithAll<Topic, Headers, More>> extends WithAll<Topic, Headers, More>
    ? [options?: WithAll<Topic, Headers, More>]
    : [options: WithAll<Topic, Headers, More>];

/** The options of a publish as the library reads them. */
export interface GivenPublishOptions {
  readonly signal?: AbortSignal | undefined;
  readonly on?: string | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly headers?: HeadersInit | undefined;
}

/**
 * Publishes a value on a channel. If the value, a header or a parameter is invalid, it rejects with
 * `InvalidMessageError`, with every issue and its path, and sends nothing. Resolves when the broker has the
 * message.
 */
export type Publish<On extends string = never> = <
  Topic extends string,
  Value,
  Input,
  Headers extends StandardSchema | undefined,
>(
  channel: Channel<Topic, Value, Input, Headers>,
  value: NoInfer<Input>,
  ...options: PublishArguments<Topic, Headers, On>
) => Promise<void>;

/** Publishes on one channel, inside handlers and outside. */
export interface ChannelPublisher<Topic extends string, Input, Headers extends StandardSchema | undefined> {
  /** Does what `publish` of a handler's context does. Rejects before the app has connected, and after it has ended. */
  publish(value: Input, ...options: PublishArguments<Topic, Headers, never>): Promise<void>;
}

/** A message on its way out, as a publish middleware sees it. */
export interface Outgoing {
  readonly channel: Channel;
  /** The value as its handlers will get it. */
  readonly value: unknown;
  readonly message: OutgoingMessage;
  /** The name of the broker that it goes to. */
  readonly broker: string;
}

/**
 * Wraps every publish, after the value was checked and encoded. `next()` sends the message, and resolves when the
 * broker has it. `next(changed)` sends another message in its place, for example with one more header. Call it at
 * most once.
 */
export type PublishMiddleware = (
  outgoing: Outgoing,
  next: (changed?: OutgoingMessage) => Promise<void>,
) => Promise<void>;

/** Publishing inside its middleware. The first layer is the outermost. */
export async function send(
  layers: readonly PublishMiddleware[],
  outgoing: Outgoing,
  publish: (message: OutgoingMessage) => Promise<void>,
): Promise<void> {
  const [layer, ...inner] = layers;
  if (layer === undefined) return publish(outgoing.message);
  let sent: Promise<void> | undefined;
  const next = (changed?: OutgoingMessage): Promise<void> => {
    if (sent !== undefined) return Promise.reject(new TypeError(calledTwice));
    sent = send(inner, changed === undefined ? outgoing : { ...outgoing, message: changed }, publish);
    // A layer that throws before it waits for this is the one whose error counts.
    sent.catch(() => undefined);
    return sent;
  };
  await layer(outgoing, next);
  if (sent === undefined) throw new TypeError(neverCalled);
  // A layer that did not wait: nobody may take the message for sent before it is.
  await sent;
}

const calledTwice = "A publish middleware called next() twice; it sends the message once.";
const neverCalled =
  "A publish middleware did not call next(), so nothing was sent; to refuse a message, throw.";
