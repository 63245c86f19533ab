import { checkDuration } from "../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../traits/capabilities.ts";
import { type Deferred, deferred } from "../../traits/deferred.ts";
import {
  InvalidMessageError,
  isTidelaneError,
  PublishFailedError,
  throwIfAborted,
} from "../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../traits/headers.ts";
import type { Message } from "../../traits/message.ts";
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

  /** @internal */
  constructor(session: Session, options: NatsPublisherOptions) {
    this.#session = session;
    this.#flushes = options.confirm === true ? new Flushes(session.link) : undefined;
    const { clock, publishTimeoutMs } = session.settings;
    this.#outbox = new Outbox(session.link, clock, publishTimeoutMs);
  }

  get capabilities(): PublisherCapabilities {
    return {
      confirmation: this.#flushes === undefined ? "none" : "broker",
      headerValues: "text",
      duplicateHeaders: true,
      maxPayloadBytes: this.#session.link.maxPayloadBytes,
      transactions: false,
      requestReply: true,
    };
  }

  /**
   * While the connection is lost it waits for it, `publishTimeoutMs` at most. A "reply-to" header travels as the reply
   * subject of the protocol.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    const { link } = this.#session;
    const what = "publish()";
    const { promise, resolve, reject } = deferred<void>();
    try {
      link.check(what);
      throwIfAborted(options?.signal, what);
      const checked = checkMessage(message, this.capabilities);
      this.#outbox.submit({
        what,
        signal: options?.signal,
        send: () => this.#send(checked, { promise, resolve, reject }),
        reject,
      });
    } catch (error) {
      reject(error);
    }
    return promise;
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

  #send(message: CheckedMessage, { resolve, reject }: Deferred<void>): void {
    try {
      this.#session.link.publish(message.topic, message.payload, this.#options(message));
    } catch (error) {
      reject(publishError(message.topic, error));
      return;
    }
    if (this.#flushes === undefined) resolve();
    else
      this.#flushes.next(message.topic).then(resolve, (error) => reject(publishError(message.topic, error)));
  }

  #options({ headers }: CheckedMessage): ClientPublishOptions {
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
  const checked = checkOutgoing(message, limits, { keyHeader: true });
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
