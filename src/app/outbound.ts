import { toDecodeError } from "../runtime/undecodable.ts";
import { checkDuration } from "../traits/arguments.ts";
import type { Connection } from "../traits/broker.ts";
import {
  DecodeError,
  InvalidArgumentError,
  isTidelaneError,
  PublishFailedError,
  RemoteError,
  TimeoutError,
} from "../traits/errors.ts";
import { headerNames } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import { optionNames } from "../traits/option-names.ts";
import type { OutgoingMessage, Publisher, RequestReply } from "../traits/publisher.ts";
import { type Channel, callOf } from "./channel.ts";
import { type AppDefinition, prefixed, type Sender } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { checkOptions, checkSignal } from "./options.ts";
import { usualSource } from "./plan.ts";
import { type GivenPublishOptions, type Publish, type PublishMiddleware, send } from "./publishing.ts";
import { ReplyInbox } from "./reply-inbox.ts";
import { checkRpc, type GivenRequestOptions, type Request, type Rpc, requestTimeoutMs } from "./rpc.ts";
import { TopicTemplate } from "./topic-template.ts";
import { decoderFor, type Encoded, encode } from "./wire.ts";

/** On whose behalf something is published: a handler, a router, or the app. */
export interface OutboundScope {
  readonly broker: string | undefined;
  readonly prefix: string;
  readonly layers: readonly PublishMiddleware[];
  readonly from: Sender;
}

const publishNames = optionNames<GivenPublishOptions>()({
  signal: true,
  on: true,
  params: true,
  headers: true,
});
const requestNames = optionNames<GivenRequestOptions>()({
  timeoutMs: true,
  signal: true,
  on: true,
  params: true,
  headers: true,
});

/** Everything an app sends: publishes and requests, over the publishers of its connections. */
export class Outbound {
  readonly #definition: AppDefinition;
  readonly #environment: Environment;
  readonly #connections = new Map<string, Connection>();
  /** By broker. One of each, so that what the app publishes keeps the order of its calls. */
  readonly #publishers = new Map<string, Publisher>();
  readonly #inboxes = new Map<string, Promise<ReplyInbox>>();
  /** By prefix and channel. */
  readonly #templates = new Map<string, WeakMap<Channel, TopicTemplate>>();

  constructor(definition: AppDefinition, environment: Environment) {
    this.#definition = definition;
    this.#environment = environment;
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
        expected: `called once the app is connected to "${name}": after app.start() has resolved, or in a test of the app`,
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
    const request = (rpc: Rpc, value: unknown, options?: GivenRequestOptions): Promise<unknown> =>
      this.#request(scope, rpc, value, options);
    return { publish: publish as Publish<string>, request: request as Request<string> };
  }

  /** Sends a reply to the address its request names. That is anybody's word: it may not be a topic the app handles. */
  async reply(broker: string, message: OutgoingMessage): Promise<void> {
    const { topic } = message;
    if (this.#definition.reads(broker, topic)) {
      const reason = "a reply would be taken for a message, as the app subscribes to this topic";
      throw new PublishFailedError({ topic, reason, retryable: false });
    }
    await this.publisher(broker, "reply", topic).publish(message);
  }

  /** Opens the inbox of a broker, which its first request would open. */
  async openInbox(name: string): Promise<void> {
    await this.#inbox(name);
  }

  /** Requests that wait are told that there will be no reply. */
  async close(): Promise<void> {
    const inboxes = await Promise.allSettled(this.#inboxes.values());
    for (const inbox of inboxes) if (inbox.status === "fulfilled") await inbox.value.close();
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
      const broker = this.#broker(call, scope, options.on);
      const encoded = encode(channel, this.#template(call, scope, broker, channel), value, options);
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
    const { observer } = this.#environment;
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

  async #request(
    scope: OutboundScope,
    rpc: Rpc,
    value: unknown,
    options: GivenRequestOptions = {},
  ): Promise<unknown> {
    const call = callOf("request", "rpc", rpc);
    checkRpc(`${call}: rpc`, rpc);
    checkOptions(`${call}: options`, options, requestNames);
    const { timeoutMs = requestTimeoutMs, signal } = options;
    checkDuration(`${call}: timeoutMs`, timeoutMs);
    checkSignal(`${call}: signal`, signal);
    const broker = this.#broker(call, scope, options.on);
    const template = this.#template(call, scope, broker, rpc.request);
    const { message, value: checked } = await encode(rpc.request, template, value, options);
    let reply: Message | undefined;
    const ask = async (sent: OutgoingMessage): Promise<void> => {
      reply = await this.#ask(broker, sent, { timeoutMs, ...(signal ? { signal } : {}) });
    };
    const observer = typeof scope.from === "object" ? this.#environment.observer : undefined;
    observer?.waiting(1);
    try {
      await send(scope.layers, { channel: rpc.request, value: checked, message, broker }, ask);
    } finally {
      observer?.waiting(-1);
    }
    return readReply(rpc, template.text, reply as unknown as Message);
  }

  async #ask(
    broker: string,
    message: OutgoingMessage,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Message> {
    const publisher = this.publisher(broker, "request", message.topic);
    try {
      if (canRequest(publisher)) return await publisher.request(message, options);
      const inbox = await this.#inbox(broker);
      return await inbox.request(message, options);
    } catch (error) {
      if (!isTidelaneError(error, "TIDELANE_TIMEOUT")) throw error;
      const what = `The request to "${message.topic}" on "${broker}" (does an app that responds to it run there?)`;
      throw new TimeoutError({ what, timeoutMs: options.timeoutMs });
    }
  }

  /** Opened by the first who needs it; where that fails, or when it has ended, the next one opens another. */
  #inbox(broker: string): Promise<ReplyInbox> {
    const known = this.#inboxes.get(broker);
    if (known !== undefined) return known;
    const opening = this.#openInbox(broker);
    this.#inboxes.set(broker, opening);
    const forget = (): boolean => this.#inboxes.delete(broker);
    opening.then(({ ended }) => ended).then(forget, forget);
    return opening;
  }

  async #openInbox(name: string): Promise<ReplyInbox> {
    const { name: app, replies } = this.#definition;
    const { topic = `${app}.replies`, source } = replies;
    const publisher = this.publisher(name, "request", name);
    const template = new TopicTemplate("createApp(options): replies.topic", topic);
    const opened = source ?? usualSource(this.#environment.brokers.get(name) as never, template, undefined);
    const subscriber = await opened.open(this.#connections.get(name) as Connection);
    const { clock } = this.#environment;
    return new ReplyInbox({ topic, broker: name, publisher, clock, subscriber });
  }

  #broker(call: string, scope: OutboundScope, on: string | undefined): string {
    if (on === undefined && scope.broker !== undefined) return scope.broker;
    return this.#definition.brokerName(`${call}: on`, on);
  }

  #template(call: string, { prefix }: OutboundScope, broker: string, channel: Channel): TopicTemplate {
    const place = `${broker}\n${prefix}`;
    let templates = this.#templates.get(place);
    if (templates === undefined) {
      templates = new WeakMap();
      this.#templates.set(place, templates);
    }
    const known = templates.get(channel ?? {});
    if (known !== undefined) return known;
    const template = prefixed(`${call}: channel`, prefix, channel);
    this.#definition.register(call, broker, template, channel);
    templates.set(channel, template);
    return template;
  }
}

function canRequest(publisher: Publisher): publisher is RequestReply {
  return publisher.capabilities.requestReply && "request" in publisher;
}

async function readReply({ reply: channel }: Rpc, topic: string, reply: Message): Promise<unknown> {
  const remoteCode = reply.headers.get(headerNames.errorCode);
  if (remoteCode !== undefined) throw new RemoteError({ topic, remoteCode, reason: reply.text() });
  try {
    return await decoderFor(channel, new TopicTemplate("reply", channel.topic))(reply);
  } catch (error) {
    const { reason, issues, cause } = toDecodeError(reply, error);
    throw new DecodeError({ topic: `${topic} (the reply)`, reason, issues, cause });
  }
}
