import { toDecodeError } from "../runtime/undecodable.ts";
import { checkDuration, checkSignal } from "../traits/arguments.ts";
import { DecodeError, isTidelaneError, RemoteError, TimeoutError } from "../traits/errors.ts";
import { headerNames } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import { type OptionNames, optionNames } from "../traits/option-names.ts";
import type { OutgoingMessage, Publisher, RequestReply } from "../traits/publisher.ts";
import { callOf } from "./channel.ts";
import type { OutboundScope } from "./definition.ts";
import { checkOptions } from "./options.ts";
import { usualSource } from "./plan.ts";
import { send } from "./publishing.ts";
import { ReplyInbox } from "./reply-inbox.ts";
import { type GivenRequestOptions, type Rpc, requestTimeoutMs } from "./request.ts";
import type { RequestHome, Requests } from "./rpc-parts.ts";
import { TopicTemplate } from "./topic-template.ts";
import { decoderFor, encode } from "./wire.ts";

const requestNames: OptionNames = optionNames<GivenRequestOptions>()({
  timeoutMs: true,
  signal: true,
  on: true,
  params: true,
  headers: true,
});

/** The requests of an app: through the publishers of brokers that have requests of their own, else through reply inboxes. */
export class Requester implements Requests {
  readonly #home: RequestHome;
  readonly #inboxes = new Map<string, Promise<ReplyInbox>>();

  constructor(home: RequestHome) {
    this.#home = home;
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

  async request(
    scope: OutboundScope,
    rpc: Rpc,
    value: unknown,
    options: GivenRequestOptions = {},
  ): Promise<unknown> {
    const call = callOf("request", "rpc", rpc);
    checkOptions(`${call}: options`, options, requestNames);
    const { timeoutMs = requestTimeoutMs, signal } = options;
    checkDuration(`${call}: timeoutMs`, timeoutMs);
    checkSignal(`${call}: signal`, signal);
    const broker = this.#home.broker(call, scope, options.on);
    const template = this.#home.template(call, scope, broker, rpc.request);
    const { message, value: checked } = await encode(rpc.request, template, value, options);
    let reply: Message | undefined;
    const ask = async (sent: OutgoingMessage): Promise<void> => {
      reply = await this.#ask(broker, sent, { timeoutMs, ...(signal ? { signal } : {}) });
    };
    const observer = typeof scope.from === "object" ? this.#home.environment.observer : undefined;
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
    const publisher = this.#home.publisher(broker, "request", message.topic);
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
    const { name: app, replies } = this.#home.definition;
    const { topic = `${app}.replies`, source } = replies;
    const publisher = this.#home.publisher(name, "request", name);
    const template = new TopicTemplate("createApp(options): replies.topic", topic);
    const opened =
      source ?? usualSource(this.#home.environment.brokers.get(name) as never, template, undefined);
    const subscriber = await opened.open(this.#home.connection(name));
    const { clock } = this.#home.environment;
    return new ReplyInbox({ topic, broker: name, publisher, clock, subscriber });
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
