import { checkDuration, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { deferred } from "../../../traits/deferred.ts";
import { InvalidMessageError, throwIfAborted } from "../../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../../traits/headers.ts";
import { type Message, settledAtOnce } from "../../../traits/message.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type {
  OutgoingMessage,
  PublishOptions,
  RequestOptions,
  RequestReply,
} from "../../../traits/publisher.ts";
import type { ClientHeaders, ClientPublishOptions, ServerConnection } from "../client.ts";
import { toClient } from "../message/headers.ts";
import { NatsMessage } from "../message/message.ts";
import { subjectFault } from "../message/subject.ts";
import { type NatsPublisherOptions, type NatsSettings, publisherOptionNames } from "../options.ts";
import { FlushConfirms } from "./flushes.ts";
import { checkKeyHeader, checkMessage, type KeyHeaderOption, publishError } from "./outgoing.ts";
import type { Requests } from "./requests.ts";
import { SendQueue } from "./send-queue.ts";

const publishNames = optionNames<PublishOptions>()({ signal: true });
const requestNames = optionNames<RequestOptions>()({ signal: true, timeoutMs: true });

/** What a publisher needs of its connection. */
export interface PublisherConnection {
  readonly server: ServerConnection;
  readonly settings: NatsSettings;
  readonly requests: Requests;
  readonly makeHeaders: () => ClientHeaders;
}

/** Publishes to subjects. The server delivers a message to whoever is subscribed, and keeps no copy. */
export class NatsPublisher implements RequestReply {
  readonly #connection: PublisherConnection;
  readonly #confirms: FlushConfirms | undefined;
  readonly #queue: SendQueue;
  readonly #keyOption: KeyHeaderOption;
  #capabilities: PublisherCapabilities;

  /** @internal */
  constructor(connection: PublisherConnection, options: NatsPublisherOptions) {
    checkOptionNames("connection.publisher(options)", options, publisherOptionNames);
    this.#connection = connection;
    this.#keyOption = checkKeyHeader(options);
    this.#confirms =
      options.confirm === true ? new FlushConfirms(connection.server, publishError) : undefined;
    const { clock, publishTimeoutMs } = connection.settings;
    this.#queue = new SendQueue(connection.server, clock, publishTimeoutMs);
    this.#capabilities = {
      confirmation: this.#confirms === undefined ? "none" : "broker",
      headerValues: "text",
      duplicateHeaders: true,
      maxPayloadBytes: connection.server.maxPayloadBytes,
      transactions: false,
      requestReply: true,
    };
  }

  get capabilities(): PublisherCapabilities {
    const { maxPayloadBytes } = this.#connection.server;
    if (maxPayloadBytes !== this.#capabilities.maxPayloadBytes)
      this.#capabilities = { ...this.#capabilities, maxPayloadBytes };
    return this.#capabilities;
  }

  /**
   * While the connection is lost it waits, for at most `publishTimeoutMs`. A "reply-to" header travels as the reply
   * subject of the protocol.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    const what = "publish()";
    try {
      if (options !== undefined)
        checkOptionNames("publisher.publish(message, options)", options, publishNames);
      this.#connection.server.check(what);
      throwIfAborted(options?.signal, what);
      const checked = checkMessage(message, this.capabilities, this.#keyOption);
      // What is sent at once needs no turn to wait for and no promise of its own, which were a third of its time.
      return this.#queue.free ? this.#send(checked) : this.#inTurn(what, checked, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Publishes the message and resolves with the first reply. If nobody is subscribed, it rejects at once with
   * `PublishFailedError`. If no reply comes within `timeoutMs`, it rejects with `TimeoutError`.
   */
  async request(message: OutgoingMessage, options: RequestOptions): Promise<Message> {
    checkObject("request(message, options)", options, "an object with timeoutMs");
    checkOptionNames("publisher.request(message, options)", options, requestNames);
    const { timeoutMs, signal } = options;
    checkDuration("options.timeoutMs", timeoutMs);
    const what = `The request to "${message.topic}"`;
    this.#connection.server.check("request()");
    throwIfAborted(signal, "request()");
    // Once: a caller's iterable may have nothing the second time.
    const headers = MessageHeaders.from(message.headers);
    if (headers.has(headerNames.replyTo)) {
      const reason = 'request() sets its "reply-to" itself';
      throw new InvalidMessageError({ topic: message.topic, reason });
    }
    const checked = checkMessage({ ...message, headers }, this.capabilities, this.#keyOption);
    const { topic, payload } = checked;
    const made = toClient(checked.headers, [], this.#connection.makeHeaders);
    try {
      const request = { subject: topic, payload, headers: made, what, timeoutMs, signal };
      const answer = await this.#connection.requests.send(request, this.#queue);
      return new NatsMessage(answer);
    } catch (error) {
      throw publishError(topic, error);
    }
  }

  #inTurn(what: string, checked: CheckedMessage, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = deferred<void>();
    const send = (): void => {
      this.#send(checked).then(resolve, reject);
    };
    this.#queue.submit({ what, signal, send, reject });
    return promise;
  }

  /** Sends before it returns. */
  #send(message: CheckedMessage): Promise<void> {
    const { topic, payload } = message;
    // Before the publish, so that PING and message share a write to the socket, and a packet.
    const answer = this.#confirms?.next(topic) ?? settledAtOnce;
    try {
      this.#connection.server.publish(topic, payload, this.#options(message));
    } catch (error) {
      // Nothing was sent, so nobody awaits this confirmation.
      answer.catch(() => {});
      return Promise.reject(publishError(topic, error));
    }
    return answer;
  }

  #options({ headers }: CheckedMessage): ClientPublishOptions | undefined {
    if (headers.size === 0) return undefined;
    const reply = headers.get(headerNames.replyTo);
    // The protocol has room for one.
    const isOne = reply !== undefined && headers.getAll(headerNames.replyTo).length === 1;
    const asReply = isOne && subjectFault(reply) === undefined;
    const made = toClient(
      asReply ? headers.without(headerNames.replyTo) : headers,
      [],
      this.#connection.makeHeaders,
    );
    return {
      ...(asReply ? { reply } : {}),
      ...(made === undefined ? {} : { headers: made }),
    };
  }
}
