import type { HandlerContext } from "../runtime/delivery.ts";
import { type AckOutcome, ack, type MiddlewareOutcome } from "../runtime/outcome.ts";
import type { StandardSchema } from "../traits/codec.ts";
import { headerNames, MessageHeaders } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { Channel, HeadersOf } from "./channel.ts";
import type { GivenPublishOptions, Publish, PublishArguments } from "./publishing.ts";
import type { Request } from "./request.ts";
import type { TopicParams, TopicTemplate } from "./topic-template.ts";
import { headersOf } from "./wire.ts";

/** What a handler of an app gets beside the value. */
export interface MessageContext<
  Topic extends string = string,
  Headers extends StandardSchema | undefined = StandardSchema | undefined,
  State = unknown,
  On extends string = never,
  M extends Message = Message,
> extends HandlerContext<M> {
  readonly channel: Channel;
  /** The parameters of the topic: `{ tenant: "acme" }`. */
  readonly params: TopicParams<Topic>;
  /** What the headers schema of the channel gives; without one, the headers of the message. */
  readonly headers: HeadersOf<Headers>;
  /** What `onStart` of the app returned. */
  readonly state: State;
  /**
   * Publishes, by default on the broker that this message came from. Await it, because the ack comes when the
   * handler returns.
   */
  readonly publish: Publish<On>;
  /** Sends a request and waits for its reply. */
  readonly request: Request<On>;
  /**
   * Publishes as `publish` does, with the `correlation-id` of this message, and gives `ack()`: `return reply(bills, bill)`. The
   * message is acked when the broker has the reply; where it cannot be published, the handler has failed.
   */
  readonly reply: Reply<On>;
}

/** Publishes an answer to the message at hand. */
export type Reply<On extends string = never> = <
  Topic extends string,
  Value,
  Input,
  Headers extends StandardSchema | undefined,
>(
  channel: Channel<Topic, Value, Input, Headers>,
  value: NoInfer<Input>,
  ...options: PublishArguments<Topic, Headers, On>
) => Promise<AckOutcome>;

/** The context of a handler, and the value that it is about to get. */
export type MiddlewareContext<State = unknown, On extends string = never> = MessageContext<
  string,
  StandardSchema | undefined,
  State,
  On
> & { readonly value: unknown };

/**
 * Wraps every run of a handler, after decoding. Middleware of the app comes first, then that of the routers from
 * the outside in, then that of the handler. At each of them, the first is the outermost.
 *
 * `next()` runs the rest and resolves with its outcome. Return that outcome, or another one in its place. If the
 * handler throws, it resolves with `{ kind: "failure", error }`. Call `next()` at most once.
 */
export type AppMiddleware<State = unknown, On extends string = never> = (
  context: MiddlewareContext<State, On>,
  next: () => Promise<MiddlewareOutcome>,
) => Promise<MiddlewareOutcome> | MiddlewareOutcome;

/** What all messages of one subscription have in common. */
export interface HandlerScope {
  readonly channel: Channel;
  readonly template: TopicTemplate;
  readonly state: unknown;
  readonly publish: Publish<string>;
  readonly request: Request<string>;
}

type Wide = MessageContext<string, StandardSchema | undefined, unknown, string>;

/** The context of one run of a handler: the delivery, with what its subscription knows. One object a message, all else is asked for. */
export class DeliveryContext implements Omit<Wide, "headers"> {
  readonly #delivery: HandlerContext;
  readonly #scope: HandlerScope;
  readonly value: unknown;

  constructor(delivery: HandlerContext, scope: HandlerScope, value: unknown) {
    this.#delivery = delivery;
    this.#scope = scope;
    this.value = value;
  }

  get message(): Message {
    return this.#delivery.message;
  }

  get topic(): string {
    return this.#delivery.topic;
  }

  get key(): string | undefined {
    return this.#delivery.key;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get worker(): number {
    return this.#delivery.worker;
  }

  get signal(): AbortSignal {
    return this.#delivery.signal;
  }

  get afterSettle(): HandlerContext["afterSettle"] {
    return this.#delivery.afterSettle;
  }

  get channel(): Channel {
    return this.#scope.channel;
  }

  get params(): Readonly<Record<string, string>> {
    return this.#scope.template.read(this.#delivery.topic) ?? {};
  }

  get headers(): unknown {
    return headersOf(this.#scope.channel, this.#delivery.message);
  }

  get state(): unknown {
    return this.#scope.state;
  }

  get publish(): Publish<string> {
    return this.#scope.publish;
  }

  get request(): Request<string> {
    return this.#scope.request;
  }

  get reply(): Reply<string> {
    const reply = async (
      channel: Channel,
      value: unknown,
      options?: GivenPublishOptions,
    ): Promise<AckOutcome> => {
      const id = this.message.headers.get(headerNames.correlationId);
      const given = MessageHeaders.from(options?.headers);
      const headers = id === undefined ? given : given.with(headerNames.correlationId, id);
      await (this.publish as Send)(channel, value, { ...options, headers });
      return ack();
    };
    return reply as Reply<string>;
  }
}

type Send = (channel: Channel, value: unknown, options: GivenPublishOptions) => Promise<void>;
