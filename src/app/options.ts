import type { ErrorListener } from "../runtime/report.ts";
import { checkFunction, checkObject } from "../traits/arguments.ts";
import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../traits/option-names.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { Batches } from "./batch.ts";
import type { BrokerAt, BrokerName, Brokers, ConnectionOf, GroupOn } from "./brokers.ts";
import type { Channel } from "./channel.ts";
import type { AppMiddleware } from "./context.ts";
import type { DeadLetterPlace, GivenOnFailure, OnFailure } from "./on-failure.ts";
import type { PublishMiddleware } from "./publishing.ts";

/** Options of `app.router(options)`: what its handlers and routers use unless they say otherwise. */
export interface RouterOptions<
  State = unknown,
  On extends string = never,
  Place extends DeadLetterPlace = DeadLetterPlace,
> {
  /** Stands before every topic that is read or published to through this router. @default "" */
  readonly prefix?: string;
  /** Wraps every run of a handler, inside the middleware of the app and of outer routers. */
  readonly middleware?: readonly AppMiddleware<State, On>[];
  /** Wraps every publish of its handlers and publishers. */
  readonly publishMiddleware?: readonly PublishMiddleware[];
  /** What happens when a handler fails. */
  readonly onFailure?: OnFailure<Place>;
  /** How many handlers run at once, in each subscription. @default 1 */
  readonly workers?: number;
  /** The group of its subscriptions. @default none */
  readonly group?: string;
}

interface WorkOptions {
  /**
   * Handlers at once. The messages of one key run one after another: the key of the channel, or else the one the message
   * carries. @default that of the router: 1
   */
  readonly workers?: number;
  /** The most deliveries in flight: waiting for their key, running and settling. @default max(256, 32 * workers) */
  readonly maxInFlight?: number;
}

/** Options of `app.subscribe(channel, options, handler)`. */
export interface SubscriptionOptions<
  B extends Brokers = Brokers,
  State = unknown,
  On extends string = string,
  Place extends DeadLetterPlace = DeadLetterPlace,
  M extends Message = Message,
> extends WorkOptions {
  /**
   * Subscriptions of one group share the messages, also over several processes; each group gets all of them.
   * Without a group it is up to the broker: mostly a copy for this subscription alone. @default that of the router:
   * none
   */
  readonly group?: GroupOn<BrokerAt<B, On>>;
  /** A source of the broker's own, in place of `group`. @default the broker's usual source */
  readonly source?: SubscriptionSource<ConnectionOf<BrokerAt<B, On>>, Subscriber<M>>;
  /** What happens when the handler fails. What it leaves out comes from the router. */
  readonly onFailure?: OnFailure<Place>;
  /** Wraps every run of the handler, inside the middleware of the router. */
  readonly middleware?: readonly AppMiddleware<State, BrokerName<B>>[];
  /** Wraps every publish of the handler, inside that of the router. */
  readonly publishMiddleware?: readonly PublishMiddleware[];
  /**
   * How long one run of the handler may take, in milliseconds. Then its signal aborts, and the run has failed.
   * @default no limit
   */
  readonly timeoutMs?: number;
  /** "wait": the key waits until a late handler returns. "abandon": it goes on at once. @default "wait" */
  readonly onTimeout?: "wait" | "abandon";
  /**
   * Gives the handler lists of values: `batches({ max: 100, maxWaitMs: 50 })`. Then `workers` counts batches, and
   * `timeoutMs` counts from the moment a message starts to wait for its batch. @default one message at a time
   */
  readonly batch?: Batches;
  /**
   * What the handler returns is published here as `context.reply` does, and then the message is acked; `undefined` publishes
   * nothing. @default the handler returns an outcome
   */
  readonly replyTo?: Channel;
  /** Gets every failure of this subscription. @default that of the app */
  readonly onError?: ErrorListener;
}

/**
 * Options of `app.respond(rpc, options, responder)`. All instances of the app share the group, because each request
 * has one answer.
 */
export interface ResponderOptions<B extends Brokers = Brokers, State = unknown, On extends string = string>
  extends WorkOptions {
  /**
   * Instances of one group share the requests. @default that of the router, else the name of the app where the
   * broker has groups
   */
  readonly group?: GroupOn<BrokerAt<B, On>>;
  /** A source of the broker's own, in place of `group`. @default the broker's usual source */
  readonly source?: SubscriptionSource<ConnectionOf<BrokerAt<B, On>>>;
  /** Wraps every answer, inside the middleware of the router. */
  readonly middleware?: readonly AppMiddleware<State, BrokerName<B>>[];
  /** Gets every failure of this responder. @default that of the app */
  readonly onError?: ErrorListener;
}

/** The options of a handler or responder as the library reads them. */
export interface GivenSubscriptionOptions {
  readonly on?: string | undefined;
  readonly group?: string | undefined;
  readonly source?: SubscriptionSource<Connection> | undefined;
  readonly workers?: number | undefined;
  readonly maxInFlight?: number | undefined;
  readonly onFailure?: GivenOnFailure | undefined;
  readonly middleware?: readonly AppMiddleware[] | undefined;
  readonly publishMiddleware?: readonly PublishMiddleware[] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly onTimeout?: "wait" | "abandon" | undefined;
  readonly batch?: Batches | undefined;
  readonly replyTo?: Channel | undefined;
  readonly onError?: ErrorListener | undefined;
}

export const responderNames: OptionNames = optionNames<
  ResponderOptions & Pick<GivenSubscriptionOptions, "on">
>()({
  on: true,
  group: true,
  source: true,
  workers: true,
  maxInFlight: true,
  middleware: true,
  onError: true,
});

export const subscriptionNames: OptionNames = optionNames<GivenSubscriptionOptions>()({
  on: true,
  group: true,
  source: true,
  workers: true,
  maxInFlight: true,
  middleware: true,
  onError: true,
  onFailure: true,
  publishMiddleware: true,
  timeoutMs: true,
  onTimeout: true,
  // Made by batches(), with names of its own.
  batch: true,
  replyTo: true,
});

export const routerNames: OptionNames = optionNames<RouterOptions>()({
  prefix: true,
  middleware: true,
  publishMiddleware: true,
  onFailure: true,
  workers: true,
  group: true,
});

/** Options of a public call: an object, with known names. */
export function checkOptions(call: string, options: unknown, names: OptionNames): void {
  checkObject(call, options, "an object of options, or left out");
  checkOptionNames(call, options, names);
}

/** A list of middleware. */
export function checkLayers(call: string, option: string, layers: unknown): void {
  if (!Array.isArray(layers)) {
    throw new InvalidArgumentError({
      argument: `${call}: ${option}`,
      expected: "a list of functions",
      received: layers,
    });
  }
  for (const [index, layer] of layers.entries()) checkFunction(`${call}: ${option}[${index}]`, layer);
}
