import type { HandlerResult } from "../runtime/outcome.ts";
import type { Refused } from "../runtime/refused.ts";
import { checkCount, checkFunction, checkName } from "../traits/arguments.ts";
import type { Broker } from "../traits/broker.ts";
import type { StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { BatchContext, Batches, BatchHandler } from "./batch.ts";
import type { BrokerName, Brokers, OnBroker } from "./brokers.ts";
import { type Channel, callOf } from "./channel.ts";
import type { MessageContext } from "./context.ts";
import {
  type AnyHandler,
  type AppDefinition,
  type OutboundScope,
  prefixed,
  type RouterPlan,
} from "./definition.ts";
import { type DeadLetterPlace, type HasPlace, type Inherited, mergeOnFailure } from "./on-failure.ts";
import {
  checkLayers,
  checkOptions,
  type GivenSubscriptionOptions,
  type ResponderOptions,
  type RouterOptions,
  routerNames,
  type SubscriptionOptions,
} from "./options.ts";
import { planSubscription } from "./plan.ts";
import type { ChannelPublisher, GivenPublishOptions, Publish } from "./publishing.ts";
import type { Rpc } from "./request.ts";
import { checkRpc } from "./rpc-parts.ts";

/** Does the work for one message. Returning nothing is `ack()`. After a throw, `onFailure` decides. */
export type MessageHandler<Value, Context, DeadLetters extends boolean = boolean> = (
  value: Value,
  context: Context,
) => HandlerResult<DeadLetters> | Promise<HandlerResult<DeadLetters>>;

/** Answers a request. What it returns is the reply. If it throws, the requester gets a `RemoteError`. */
export type Responder<Value, Reply, Context> = (value: Value, context: Context) => Reply | Promise<Reply>;

/** Without options where the app has one broker; with several, somebody has to say which. */
type Only<B extends Brokers, Handler> = [BrokerName<B>] extends [never]
  ? Handler
  : Refused<"The app has several brokers: say which as { on: name } before the handler.">;

/** What `dispatch` asks of a router. */
export interface RouterTypes<B, State, DeadLetters> {
  readonly brokers: B;
  readonly state: State;
  readonly deadLetters: DeadLetters;
}

/**
 * Where you declare handlers: an app, or a part of one with its own prefix, middleware and defaults. A part of a
 * service in another file is a function that takes one: `export function billing(app: Router<KafkaBroker>) {
 * app.subscribe(...) }`.
 */
export interface Router<B extends Brokers = Broker, State = unknown, DeadLetters extends boolean = boolean> {
  /** Only for the compiler. */
  readonly "~types"?: RouterTypes<B, State, DeadLetters>;
  /** Declares a handler of a channel. Nothing happens before the app starts. */
  subscribe<Topic extends string, Value, Input, Headers extends StandardSchema | undefined>(
    channel: Channel<Topic, Value, Input, Headers>,
    handler: Only<
      B,
      MessageHandler<Value, MessageContext<Topic, Headers, State, BrokerName<B>>, DeadLetters>
    >,
  ): void;
  subscribe<
    Topic extends string,
    Value,
    Input,
    Headers extends StandardSchema | undefined,
    On extends BrokerName<B>,
    M extends Message = Message,
    const Place extends DeadLetterPlace = Inherited,
  >(
    channel: Channel<Topic, Value, Input, Headers>,
    options: SubscriptionOptions<B, State, On, Place, M> &
      OnBroker<B, On> & { readonly batch?: undefined; readonly replyTo?: undefined },
    handler: MessageHandler<
      Value,
      MessageContext<Topic, Headers, State, BrokerName<B>, M>,
      HasPlace<Place, DeadLetters>
    >,
  ): void;
  /** The same for a handler whose results are published. */
  subscribe<
    Topic extends string,
    Value,
    Input,
    Headers extends StandardSchema | undefined,
    On extends BrokerName<B>,
    Reply,
    M extends Message = Message,
    const Place extends DeadLetterPlace = Inherited,
  >(
    channel: Channel<Topic, Value, Input, Headers>,
    options: SubscriptionOptions<B, State, On, Place, M> &
      OnBroker<B, On> & { readonly replyTo: Channel<string, unknown, Reply>; readonly batch?: undefined },
    handler: Responder<
      Value,
      NoInfer<Reply> | undefined,
      MessageContext<Topic, Headers, State, BrokerName<B>, M>
    >,
  ): void;
  /** The same for a handler of batches. */
  subscribe<
    Topic extends string,
    Value,
    Input,
    Headers extends StandardSchema | undefined,
    On extends BrokerName<B>,
    M extends Message = Message,
    const Place extends DeadLetterPlace = Inherited,
  >(
    channel: Channel<Topic, Value, Input, Headers>,
    options: SubscriptionOptions<B, State, On, Place, M> & OnBroker<B, On> & { readonly batch: Batches },
    handler: BatchHandler<
      Value,
      BatchContext<Topic, Headers, State, BrokerName<B>, M>,
      HasPlace<Place, DeadLetters>
    >,
  ): void;
  /** Declares who answers the requests of an `rpc`. */
  respond<Topic extends string, Value, Input, ReplyValue, Reply>(
    rpc: Rpc<Topic, Value, Input, ReplyValue, Reply>,
    responder: Only<
      B,
      Responder<Value, NoInfer<Reply>, MessageContext<Topic, undefined, State, BrokerName<B>>>
    >,
  ): void;
  respond<Topic extends string, Value, Input, ReplyValue, Reply, On extends BrokerName<B>>(
    rpc: Rpc<Topic, Value, Input, ReplyValue, Reply>,
    options: ResponderOptions<B, State, On> & OnBroker<B, On>,
    responder: Responder<Value, NoInfer<Reply>, MessageContext<Topic, undefined, State, BrokerName<B>>>,
  ): void;
  /**
   * A part of this router. Its prefix comes after this one's, its middleware runs inside, and its defaults come
   * first.
   */
  router<const Place extends DeadLetterPlace = Inherited>(
    options?: RouterOptions<State, BrokerName<B>, Place>,
  ): Router<B, State, HasPlace<Place, DeadLetters>>;
  /** Publishes on one channel from anywhere, once the app is connected. */
  publisher<Topic extends string, Value, Input, Headers extends StandardSchema | undefined>(
    channel: Channel<Topic, Value, Input, Headers>,
    ...on: [BrokerName<B>] extends [never] ? [] : [options: { readonly on: BrokerName<B> }]
  ): ChannelPublisher<Topic, Input, Headers>;
}

/** What a router needs of its app. */
export interface RouterHome {
  readonly definition: AppDefinition;
  /** Publishes in the instance that lives now. */
  send(scope: OutboundScope): { readonly publish: Publish<string> };
}

/** The one implementation of every router's declarations: they end up in the definition of its app. */
export class DeclaringRouter {
  readonly #home: RouterHome;
  readonly #plan: RouterPlan;

  constructor(home: RouterHome, plan: RouterPlan) {
    this.#home = home;
    this.#plan = plan;
  }

  subscribe(channel: Channel, ...rest: readonly unknown[]): void {
    const call = callOf("app.subscribe", "channel", channel);
    const { definition } = this.#home;
    definition.checkOpen(call);
    const { options, handler } = split(call, rest);
    definition.plans.push(planSubscription(definition, this.#plan, { channel, options, handler }));
  }

  respond(rpc: Rpc, ...rest: readonly unknown[]): void {
    const call = callOf("app.respond", "rpc", rpc);
    const { definition } = this.#home;
    definition.checkOpen(call);
    checkRpc(`${call}: rpc`, rpc);
    const { options, handler } = split(call, rest);
    definition.plans.push(
      planSubscription(definition, this.#plan, { channel: rpc.request, rpc, options, handler }),
    );
  }

  router(options: RouterOptions = {}): DeclaringRouter {
    return new DeclaringRouter(this.#home, planRouter("app.router(options)", this.#plan, options));
  }

  publisher(
    channel: Channel,
    options: { readonly on?: string } = {},
  ): ChannelPublisher<string, unknown, undefined> {
    const { definition } = this.#home;
    const call = callOf("app.publisher", "channel", channel);
    checkOptions(`${call}: options`, options, { on: true });
    const broker = definition.brokerName(`${call}: on`, options.on);
    const { prefix, publishMiddleware: layers } = this.#plan;
    definition.register(call, broker, prefixed(`${call}: channel`, prefix, channel), channel);
    const scope: OutboundScope = { broker, prefix, layers, from: undefined };
    return {
      publish: async (value: unknown, given: GivenPublishOptions = {}) => {
        const publish = this.#home.send(scope).publish as (...given: unknown[]) => Promise<void>;
        await publish(channel, value, given);
      },
    };
  }
}

/** `inner` inside `outer`: prefixes join, middleware goes inside, and what is not said comes from outside. */
export function planRouter(call: string, outer: RouterPlan, options: RouterOptions): RouterPlan {
  checkOptions(call, options, routerNames);
  const { prefix = "", middleware = [], publishMiddleware = [], workers = outer.workers } = options;
  const { group = outer.group } = options;
  if (prefix !== "") checkName(`${call}: prefix`, prefix);
  if (/[{}*>]/.test(prefix)) {
    const expected = 'a text without parameters and wildcards, as in "billing."';
    throw new InvalidArgumentError({ argument: `${call}: prefix`, expected, received: prefix });
  }
  checkLayers(call, "middleware", middleware);
  checkLayers(call, "publishMiddleware", publishMiddleware);
  checkCount(`${call}: workers`, workers);
  if (group !== undefined) checkName(`${call}: group`, group);
  return {
    prefix: outer.prefix + prefix,
    middleware: [...outer.middleware, ...middleware],
    publishMiddleware: [...outer.publishMiddleware, ...publishMiddleware],
    onFailure: mergeOnFailure(call, outer.onFailure, options.onFailure),
    workers,
    group,
  };
}

/** A handler, with options before it or without. */
function split(
  call: string,
  rest: readonly unknown[],
): { readonly options: GivenSubscriptionOptions; readonly handler: AnyHandler } {
  const [first, second] = rest;
  const handler = rest.length < 2 ? first : second;
  checkFunction(`${call}: handler`, handler);
  return {
    options: rest.length < 2 ? {} : (first as GivenSubscriptionOptions),
    handler: handler as AnyHandler,
  };
}
