import { checkDuration } from "../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../traits/capabilities.ts";
import { deferred } from "../../traits/deferred.ts";
import {
  InvalidMessageError,
  isTidelaneError,
  PublishFailedError,
  throwIfAborted,
} from "../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../traits/headers.ts";
import { type Message, settledAtOnce } from "../../traits/message.ts";
import { type CheckedMessage, checkOutgoing } from "../../traits/outgoing.ts";
import type {
  OutgoingMessage,
  PublishOptions,
  RequestOptions,
  RequestReply,
} from "../../traits/publisher.ts";
import type { ClientPublishOptions } from "./client.ts";
import { RequestFault, textOf } from "./errors.ts";
import { Flushes } from "./flushes.ts";
import { checkHeaders, toClient } from "./headers.ts";
import { NatsMessage } from "./message.ts";
import { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import { subjectFault } from "./subject.ts";

export interface NatsPublisherOptions {
  /**
   * `publish` resolves when the server has the message, by a round trip that overlapping publishes share. n.b. the
   * server has it; who subscribes to it may still lose it. @default false
   */
  readonly confirm?: boolean;
}

/** Publishes to subjects. Nobody keeps what is published there: it goes to those who listen, now. */
export class NatsPublisher implements RequestReply {
  readonly #session: Session;
  readonly #flushes: Flushes | undefined;
  readonly #outbox: Outbox;
  #capabilities: PublisherCapabilities;

  /** @internal */
  constructor(session: Session, options: NatsPublisherOptions) {
    this.#session = session;
    this.#flushes = options.confirm === true ? new Flushes(session.link, publishError) : undefined;
    const { clock, publishTimeoutMs } = session.settings;
    this.#outbox = new Outbox(session.link, clock, publishTimeoutMs);
    this.#capabilities = {
      confirmation: this.#flushes === undefined ? "none" : "broker",
      headerValues: "text",
      duplicateHeaders: true,
      maxPayloadBytes: session.link.maxPayloadBytes,
      transactions: false,
      requestReply: true,
    };
  }

  get capabilities(): PublisherCapabilities {
    const { maxPayloadBytes } = this.#session.link;
    if (maxPayloadBytes !== this.#capabilities.maxPayloadBytes)
      this.#capabilities = { ...this.#capabilities, maxPayloadBytes };
    return this.#capabilities;
  }

  /**
   * While the connection is lost it waits for it, `publishTimeoutMs` at most. A "reply-to" header travels as the reply
   * subject of the protocol.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    const what = "publish()";
    try {
      this.#session.link.check(what);
      throwIfAborted(options?.signal, what);
      const checked = checkMessage(message, this.capabilities);
      // What is sent at once needs no turn to wait for and no promise of its own, which were a third of its time.
      return this.#outbox.free ? this.#send(checked) : this.#inTurn(what, checked, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The reply has nothing to settle: `ack()` resolves. Rejects with `PublishFailedError` at once where nobody listens. */
  async request(message: OutgoingMessage, options: RequestOptions): Promise<Message> {
    const { timeoutMs, signal } = options;
    checkDuration("options.timeoutMs", timeoutMs);
    const what = `The request to "${message.topic}"`;
    this.#session.link.check("request()");
    throwIfAborted(signal, "request()");
    const headers = MessageHeaders.from(message.headers);
    if (headers.has(headerNames.replyTo)) {
      const reason = 'request() sets its "reply-to" itself';
      throw new InvalidMessageError({ topic: message.topic, reason });
    }
    const checked = checkMessage(message, this.capabilities);
    const { topic, payload } = checked;
    const made = toClient(checked.headers, [], this.#session.makeHeaders);
    try {
      const answer = await this.#session.requests.send({
        subject: topic,
        payload,
        headers: made,
        what,
        timeoutMs,
        signal,
      });
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
    this.#outbox.submit({ what, signal, send, reject });
    return promise;
  }

  /** Sends before it returns. */
  #send(message: CheckedMessage): Promise<void> {
    const { topic, payload } = message;
    try {
      this.#session.link.publish(topic, payload, this.#options(message));
    } catch (error) {
      return Promise.reject(publishError(topic, error));
    }
    return this.#flushes?.next(topic) ?? settledAtOnce;
  }

  #options({ headers }: CheckedMessage): ClientPublishOptions | undefined {
    if (headers.size === 0) return undefined;
    const reply = headers.get(headerNames.replyTo);
    const asReply = reply !== undefined && subjectFault(reply) === undefined;
    const made = toClient(
      asReply ? headers.without(headerNames.replyTo) : headers,
      [],
      this.#session.makeHeaders,
    );
    return {
      ...(asReply ? { reply } : {}),
      ...(made === undefined ? {} : { headers: made }),
    };
  }
}

/** Checks a message against what NATS can carry. Throws `InvalidMessageError`; nothing has been sent then. */
export function checkMessage(message: OutgoingMessage, limits: PublisherCapabilities): CheckedMessage {
  const checked = checkOutgoing(message, limits, { keyHeader: headerNames.partitionKey });
  const { topic, payload, headers } = checked;
  const fault = subjectFault(topic);
  if (fault !== undefined) throw new InvalidMessageError({ topic, reason: fault });
  const headerBytes = checkHeaders(topic, headers);
  if (headerBytes + payload.byteLength > limits.maxPayloadBytes) {
    const reason = `its headers have ${headerBytes} bytes and its payload ${payload.byteLength}, and the server's limit for both is ${limits.maxPayloadBytes}`;
    throw new InvalidMessageError({ topic, reason });
  }
  return checked;
}

/** What a publish that failed below says to those who published. */
export function publishError(topic: string, error: unknown): unknown {
  if (error instanceof RequestFault) {
    const retryable = error.kind !== "refused";
    return new PublishFailedError({ topic, reason: error.message, retryable, cause: error.cause });
  }
  // Errors of ours say all there is to say; what else is thrown is the client's.
  if (isTidelaneError(error)) return error;
  return new PublishFailedError({ topic, reason: textOf(error), retryable: false, cause: error });
}
