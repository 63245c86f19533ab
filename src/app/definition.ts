import type { ErrorListener } from "../runtime/report.ts";
import type { Run } from "../runtime/run.ts";
import type { Broker, Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Clock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Batches } from "./batch.ts";
import { type Channel, templateOf } from "./channel.ts";
import type { AppMiddleware } from "./context.ts";
import type { Hooks } from "./hooks.ts";
import type { GivenOnFailure, NamedPlace } from "./on-failure.ts";
import type { PublishMiddleware } from "./publishing.ts";
import type { RepliesOptions } from "./replies.ts";
import type { Rpc } from "./request.ts";
import { TopicTemplate } from "./topic-template.ts";

/** A handler, as it is called with a value and a context. */
export type AnyHandler = (value: never, context: never) => unknown;

/** One subscription of an app, checked: all that is needed to open and run it. */
export interface SubscriptionPlan {
  /** As the caller wrote it: `app.subscribe("orders")`. */
  readonly call: string;
  readonly channel: Channel;
  /** Set where it responds; then `channel` is the one of the requests. */
  readonly rpc: Rpc | undefined;
  /** The topic, its prefix included. */
  readonly template: TopicTemplate;
  readonly prefix: string;
  readonly broker: string;
  readonly group: string | undefined;
  readonly source: SubscriptionSource;
  /** The source was given; else it is the broker's usual one. */
  readonly ownSource: boolean;
  readonly workers: number;
  readonly maxInFlight: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly onTimeout: "wait" | "abandon";
  /** Set where the handler gets batches; then `workers` counts these. */
  readonly batch: Batches | undefined;
  /** Where what the handler returns goes. */
  readonly replyTo: Channel | undefined;
  readonly onFailure: GivenOnFailure;
  readonly deadLetters: NamedPlace | undefined;
  readonly middleware: readonly AppMiddleware[];
  readonly publishMiddleware: readonly PublishMiddleware[];
  readonly onError: ErrorListener | undefined;
  readonly handler: AnyHandler;
}

/** The subscription whose handler sends; undefined: the app, from outside its handlers. */
export type Sender = SubscriptionPlan | "test" | undefined;

/** On whose behalf something is published: a handler, a router, or the app. */
export interface OutboundScope {
  readonly broker: string | undefined;
  readonly prefix: string;
  readonly layers: readonly PublishMiddleware[];
  readonly from: Sender;
}

/** A pipeline by hand. */
export interface MountPlan {
  readonly broker: string;
  readonly open: (connection: Connection) => Promise<Run> | Run;
}

/** What a router's handlers and publishers have from it. */
export interface RouterPlan {
  readonly prefix: string;
  readonly middleware: readonly AppMiddleware[];
  readonly publishMiddleware: readonly PublishMiddleware[];
  readonly onFailure: GivenOnFailure | undefined;
  readonly workers: number;
  readonly group: string | undefined;
}

/** An app as data: what was declared, in order. Nothing here is connected. */
export class AppDefinition {
  readonly name: string;
  readonly version: string | undefined;
  /** By name, in the order they are connected. */
  readonly brokers: ReadonlyMap<string, Broker>;
  readonly root: RouterPlan;
  readonly hooks: Hooks;
  readonly replies: RepliesOptions;
  readonly clock: Clock | undefined;
  readonly onError: ErrorListener | undefined;
  readonly plans: (SubscriptionPlan | MountPlan)[] = [];
  /** Every channel in use, by broker and topic. */
  readonly #channels = new Map<string, Channel>();
  /** Set when an app or a test of it starts: from then on nothing is added. */
  frozen = false;

  constructor(facts: {
    name: string;
    version: string | undefined;
    brokers: ReadonlyMap<string, Broker>;
    root: RouterPlan;
    hooks: Hooks;
    replies: RepliesOptions;
    clock: Clock | undefined;
    onError: ErrorListener | undefined;
  }) {
    this.name = facts.name;
    this.version = facts.version;
    this.brokers = facts.brokers;
    this.root = facts.root;
    this.hooks = facts.hooks;
    this.replies = facts.replies;
    this.clock = facts.clock;
    this.onError = facts.onError;
  }

  get subscriptions(): SubscriptionPlan[] {
    return this.plans.filter((plan) => "channel" in plan);
  }

  checkOpen(call: string): void {
    if (!this.frozen) return;
    throw new InvalidArgumentError({
      argument: call,
      expected: "called before the app starts",
      received: "a call after that",
    });
  }

  /** The name of the broker `on` says; the only one where it says none. */
  brokerName(argument: string, on: string | undefined): string {
    const all = [...this.brokers.keys()];
    const [only] = all;
    if (on === undefined && only !== undefined && all.length === 1) return only;
    if (on !== undefined && this.brokers.has(on)) return on;
    const expected =
      all.length === 0
        ? "left out: the app has no broker; give createApp() one"
        : `the name of a broker of the app: ${all.map((name) => `"${name}"`).join(" or ")}`;
    throw new InvalidArgumentError({ argument, expected, received: on });
  }

  broker(name: string): Broker {
    return this.brokers.get(name) as Broker;
  }

  /** Throws where another channel has this topic and says something else of it. */
  register(call: string, broker: string, template: TopicTemplate, channel: Channel): void {
    const place = `${broker}\n${template.text}`;
    const known = this.#channels.get(place);
    if (known === channel) return;
    if (known !== undefined && !saysTheSame(known, channel)) {
      const expected = `the channel that the app has for "${template.text}": this has another schema, key or codec. Share one definition`;
      throw new InvalidArgumentError({ argument: call, expected, received: channel });
    }
    this.#channels.set(place, channel);
  }

  /** Whether a subscription of the app gets what is published to `topic`. */
  reads(broker: string, topic: string): boolean {
    return this.subscriptions.some((plan) => plan.broker === broker && plan.template.read(topic));
  }

  /** The topics in use, for those who look one up by mistake. */
  get topics(): string[] {
    return [...new Set([...this.#channels.keys()].map((place) => place.split("\n")[1] as string))];
  }
}

function saysTheSame(one: Channel, other: Channel): boolean {
  return (["schema", "codec", "key", "headers"] as const).every((name) => one[name] === other[name]);
}

/** The topic of a channel behind a prefix. */
export function prefixed(call: string, prefix: string, channel: Channel): TopicTemplate {
  const template = templateOf(call, channel);
  return prefix === "" ? template : new TopicTemplate(call, prefix + template.text);
}
