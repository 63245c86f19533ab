import { checkDuration, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidMessageError, throwIfAborted } from "../../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../../traits/headers.ts";
import type { Message } from "../../../traits/message.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../../traits/option-names.ts";
import { type CheckedMessage, checkOutgoing } from "../../../traits/outgoing.ts";
import type {
  OutgoingMessage,
  PublishOptions,
  RequestOptions,
  RequestReply,
} from "../../../traits/publisher.ts";
import type { PublishSettings, ServerConnection } from "../client.ts";
import { type HeaderProperties, splitTopic, writeHeaders } from "../message/headers.ts";
import {
  type AmqpPublisherOptions,
  checkPublisherOptions,
  messageOptionNames,
  type PublisherSettings,
} from "../options/publisher.ts";
import { checkRoute } from "../topology/topic-check.ts";
import { type ConfirmChannel, replyTo } from "./confirm-channel.ts";
import type { ConfirmChannels } from "./confirm-channels.ts";
import { PendingPublish, type PublishFields } from "./pending-publish.ts";
import type { Requests } from "./requests.ts";

/** Options of one `publish` or `request`. They override the options of the publisher. */
export interface AmqpPublishOptions
  extends PublishOptions,
    Omit<AmqpPublisherOptions, "exchange" | "keyHeader"> {}

const publishOptionNames = optionNames<AmqpPublishOptions>()({ ...messageOptionNames, signal: true });

const requestOptionNames = optionNames<AmqpPublishOptions & RequestOptions>()({
  ...messageOptionNames,
  signal: true,
  timeoutMs: true,
});

const none: AmqpPublishOptions = {};

/** Publishes to one exchange. `publish` resolves when the server has confirmed the message. */
export class AmqpPublisher implements RequestReply {
  readonly capabilities: PublisherCapabilities;
  readonly #connection: ServerConnection;
  /** For replies too, which go through another exchange: all calls of a publisher share a channel, and so an order. */
  readonly #confirmChannel: ConfirmChannel;
  readonly #confirmChannels: ConfirmChannels;
  #requests: Requests | undefined;
  readonly #settings: PublisherSettings;
  /** What goes with a message that has no headers and no options of its own. */
  readonly #plain: PublishSettings;

  constructor(connection: ServerConnection, confirmChannels: ConfirmChannels, settings: PublisherSettings) {
    this.#connection = connection;
    this.#confirmChannel = confirmChannels.of(settings.exchange);
    this.#confirmChannels = confirmChannels;
    this.#settings = settings;
    this.#plain = write(settings, writeHeaders("", MessageHeaders.from(undefined), {}), false);
    this.capabilities = {
      confirmation: "broker",
      headerValues: "bytes",
      duplicateHeaders: true,
      maxPayloadBytes: connection.settings.maxPayloadBytes,
      transactions: false,
      requestReply: true,
    };
  }

  /**
   * Waits while the connection is lost or the server blocks publishers. Rejects with `PublishFailedError` if no
   * queue took the message, if a queue refused it, or if the connection was lost before the confirm. The first is
   * not `retryable`; the others are.
   */
  publish(message: OutgoingMessage, options: AmqpPublishOptions = none): Promise<void> {
    // What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      this.#connection.check("publish()");
      checkNames("publish(message, options)", options, publishOptionNames);
      throwIfAborted(options.signal, "publish()");
      const checked = checkOutgoing(message, this.capabilities, this.#settings);
      const facts = this.#address("publish()", checked, options, undefined);
      this.#confirmChannel.send(new PendingPublish(facts, { resolve, reject }));
    });
  }

  /**
   * Publishes the message and resolves with the first reply. If no queue takes the request, it rejects at once with
   * `PublishFailedError`. If no reply comes within `timeoutMs`, it rejects with `TimeoutError`.
   */
  request(message: OutgoingMessage, options: RequestOptions & AmqpPublishOptions): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#connection.check("request()");
      checkObject("request(message, options)", options, "an object with timeoutMs");
      checkNames("request(message, options)", options, requestOptionNames);
      throwIfAborted(options.signal, "request()");
      // Once: a caller's iterable may have nothing the second time.
      const headers = MessageHeaders.from(message.headers);
      if (headers.has(headerNames.replyTo)) {
        const reason = 'request() sets its "reply-to" header itself';
        throw new InvalidMessageError({ topic: message.topic, reason });
      }
      const { timeoutMs, signal } = options;
      checkDuration("options.timeoutMs", timeoutMs);
      const checked = checkOutgoing({ ...message, headers }, this.capabilities, this.#settings);
      this.#requests ??= this.#confirmChannels.requestsOf(this.#confirmChannel);
      const correlationId = this.#requests.nextId();
      const facts = this.#address("request()", checked, options, { correlationId, replyTo });
      this.#requests.send(correlationId, facts, { timeoutMs, signal, resolve, reject });
    });
  }

  /**
   * Asks the server for the queue, or for the exchange of this publisher. It does not look at bindings, because the
   * server does not tell them. It asks even without `mandatory`.
   */
  async checkTopic(topic: string, options: PublishOptions = {}): Promise<void> {
    this.#connection.check("checkTopic()");
    checkOptionNames("checkTopic(topic, options)", options, { signal: true });
    throwIfAborted(options.signal, "checkTopic()");
    checkOutgoing({ topic, payload: "" }, this.capabilities, this.#settings);
    const { routingKey, reply } = splitTopic(topic);
    checkRoutingKey(topic, routingKey);
    const exchange = reply ? "" : this.#settings.exchange;
    await checkRoute(this.#connection, { topic, exchange, routingKey }, options.signal);
  }

  #address(
    what: string,
    { topic, payload, headers }: CheckedMessage,
    options: AmqpPublishOptions,
    taken: { readonly correlationId: string; readonly replyTo: string } | undefined,
  ): PublishFields {
    const settings = sameButFor(this.#settings, options);
    const { routingKey, correlationId, reply } = splitTopic(topic);
    checkRoutingKey(topic, routingKey);
    const isPlain = settings === this.#settings && headers.size === 0 && !reply && taken === undefined;
    const written = isPlain
      ? this.#plain
      : write(settings, writeHeaders(topic, headers, { correlationId, ...taken }), reply);
    const exchange = reply ? "" : settings.exchange;
    const { signal } = options;
    return { what, topic, exchange, routingKey, payload, settings: written, signal };
  }
}

/** Always all properties in this order, because objects of several shapes cost the client half a microsecond each. */
function write(settings: PublisherSettings, headers: HeaderProperties, reply: boolean): PublishSettings {
  const { priority, expirationMs, persistent } = settings;
  return {
    contentType: headers.contentType,
    correlationId: headers.correlationId,
    messageId: headers.messageId,
    replyTo: headers.replyTo,
    headers: headers.headers,
    persistent,
    // RabbitMQ 3 returns replies that it has delivered.
    mandatory: settings.mandatory && !reply,
    priority,
    expiration: expirationMs === undefined ? undefined : String(expirationMs),
    // To the client undefined is the same as missing, though not to its types.
  } as PublishSettings;
}

/** A wildcard for a token. */
const wildcard = /(?:^|\.)[*#](?:\.|$)/;

/** The last routing key that was right: most publishers have the same one again and again. */
let lastRight = "a";

/** The server would take a wildcard for a word, but no broker has wildcards in a topic to publish to. */
function checkRoutingKey(topic: string, routingKey: string): void {
  if (routingKey === lastRight) return;
  if (Buffer.byteLength(routingKey) > 255) {
    throw new InvalidMessageError({ topic, reason: "a routing key has at most 255 bytes" });
  }
  if (wildcard.test(routingKey)) {
    throw new InvalidMessageError({
      topic,
      reason: 'a topic to publish to has no wildcard token "*" or "#"',
    });
  }
  lastRight = routingKey;
}

/** Makes no array when all is right, because it is on the path of every publish. */
function checkNames(call: string, options: object, names: OptionNames): void {
  for (const name in options) {
    if (!Object.hasOwn(names, name)) checkOptionNames(call, options, names);
  }
}

function sameButFor(settings: PublisherSettings, changed: AmqpPublisherOptions): PublisherSettings {
  const { mandatory, persistent, priority, expirationMs } = changed;
  // Most messages have none, and each would cost half a microsecond below.
  if ((mandatory ?? persistent ?? priority ?? expirationMs) === undefined) return settings;
  const given = { mandatory, persistent, priority, expirationMs };
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return checkPublisherOptions("options", Object.fromEntries(defined), settings);
}
