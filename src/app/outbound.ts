import { checkSignal } from "../traits/arguments.ts";
import type { Connection } from "../traits/broker.ts";
import { InvalidArgumentError, PublishFailedError } from "../traits/errors.ts";
import { optionNames } from "../traits/option-names.ts";
import type { OutgoingMessage, Publisher } from "../traits/publisher.ts";
import { type Channel, callOf } from "./channel.ts";
import { type AppDefinition, type OutboundScope, prefixed } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { checkOptions } from "./options.ts";
import { type GivenPublishOptions, type Publish, send } from "./publishing.ts";
import type { GivenRequestOptions, Request, Rpc } from "./request.ts";
import { checkRpc, type RequestHome, type Requests, rpcParts } from "./rpc-parts.ts";
import type { TopicTemplate } from "./topic-template.ts";
import { type Encoded, encode } from "./wire.ts";

const publishNames = optionNames<GivenPublishOptions>()({
  signal: true,
  on: true,
  params: true,
  headers: true,
});

/** Everything an app sends: publishes and requests, over the publishers of its connections. */
export class Outbound implements RequestHome {
  readonly definition: AppDefinition;
  readonly environment: Environment;
  readonly #connections = new Map<string, Connection>();
  /** By broker. One of each, so that what the app publishes keeps the order of its calls. */
  readonly #publishers = new Map<string, Publisher>();
  #made: Requests | undefined;
  /** By prefix and channel. */
  readonly #templates = new Map<string, WeakMap<Channel, TopicTemplate>>();

  constructor(definition: AppDefinition, environment: Environment) {
    this.definition = definition;
    this.environment = environment;
  }

  connected(name: string, connection: Connection): void {
    this.#connections.set(name, connection);
  }

  /** `call` and `topic` say who asks for it. */
  publisher(name: string, call: string, topic: string): Publisher {
    const known = this.#publishers.get(name);
    if (known !== undefined) return known;
    const connection = this.#connections.get(name);
    if (connection === undefined) {
      throw new InvalidArgumentError({
        argument: `${call}("${topic}")`,
        expected: `called once the app is connected to "${name}": after app.start() has resolved, or in a test`,
        received: "a call while it is not connected",
      });
    }
    const publisher = connection.publisher();
    this.#publishers.set(name, publisher);
    return publisher;
  }

  /** `publish` and `request` for one scope, as functions that can be taken out of their object. */
  of(scope: OutboundScope): { readonly publish: Publish<string>; readonly request: Request<string> } {
    const publish = (channel: Channel, value: unknown, options?: GivenPublishOptions): Promise<void> =>
      this.#publish(scope, channel, value, options);
    const request = async (rpc: Rpc, value: unknown, options?: GivenRequestOptions): Promise<unknown> => {
      checkRpc(`${callOf("request", "rpc", rpc)}: rpc`, rpc);
      return this.#requests?.request(scope, rpc, value, options);
    };
    return { publish: publish as Publish<string>, request: request as Request<string> };
  }

  /** Sends a reply to the address its request names. That is anybody's word: it may not be a topic the app handles. */
  async reply(broker: string, message: OutgoingMessage): Promise<void> {
    const { topic } = message;
    if (this.definition.reads(broker, topic)) {
      const reason = "a reply would be taken for a message, as the app reads this topic";
      throw new PublishFailedError({ topic, reason, retryable: false });
    }
    await this.publisher(broker, "reply", topic).publish(message);
  }

  /** Opens the inbox of a broker, which its first request would open. */
  async openInbox(name: string): Promise<void> {
    await this.#requests?.openInbox(name);
  }

  /** Requests that wait are told that there will be no reply. */
  async close(): Promise<void> {
    await this.#made?.close();
  }

  #publish(
    scope: OutboundScope,
    channel: Channel,
    value: unknown,
    options: GivenPublishOptions = {},
  ): Promise<void> {
    try {
      const call = callOf("publish", "channel", channel);
      checkOptions(`${call}: options`, options, publishNames);
      checkSignal(`${call}: signal`, options.signal);
      const broker = this.broker(call, scope, options.on);
      const encoded = encode(channel, this.template(call, scope, broker, channel), value, options);
      const { signal } = options;
      const go = (ready: Encoded): Promise<void> => this.#send(scope, channel, broker, ready, signal);
      return encoded instanceof Promise ? encoded.then(go) : go(encoded);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(
    scope: OutboundScope,
    channel: Channel,
    broker: string,
    { message, value }: Encoded,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const publisher = this.publisher(broker, "publish", channel.topic);
    const { observer } = this.environment;
    const publish = async (sent: OutgoingMessage): Promise<void> => {
      const takeBack = observer?.published({ channel, value, message: sent, broker }, scope.from);
      try {
        await publisher.publish(sent, signal && { signal });
      } catch (error) {
        takeBack?.();
        throw error;
      }
    };
    if (scope.layers.length > 0) return send(scope.layers, { channel, value, message, broker }, publish);
    return observer ? publish(message) : publisher.publish(message, signal && { signal });
  }

  connection(name: string): Connection {
    return this.#connections.get(name) as Connection;
  }

  /** There once rpc() was called: without an rpc nobody asks. */
  get #requests(): Requests | undefined {
    this.#made ??= rpcParts()?.requester(this);
    return this.#made;
  }

  /** The broker to send to. */
  broker(call: string, scope: OutboundScope, on: string | undefined): string {
    if (on === undefined && scope.broker !== undefined) return scope.broker;
    return this.definition.brokerName(`${call}: on`, on);
  }

  /** Of a channel, behind the prefix of its scope. */
  template(call: string, { prefix }: OutboundScope, broker: string, channel: Channel): TopicTemplate {
    const place = `${broker}\n${prefix}`;
    let templates = this.#templates.get(place);
    if (templates === undefined) {
      templates = new WeakMap();
      this.#templates.set(place, templates);
    }
    const known = templates.get(channel ?? {});
    if (known !== undefined) return known;
    const template = prefixed(`${call}: channel`, prefix, channel);
    this.definition.register(call, broker, template, channel);
    templates.set(channel, template);
    return template;
  }
}
