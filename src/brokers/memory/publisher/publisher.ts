import { checkDuration, checkFunction, checkObject } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidMessageError, TimeoutError, throwIfAborted } from "../../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../../traits/headers.ts";
import { type Message, settledAtOnce } from "../../../traits/message.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import { type CheckedMessage, checkOutgoing } from "../../../traits/outgoing.ts";
import type {
  OutgoingMessage,
  Publisher,
  PublishOptions,
  RequestOptions,
  RequestReply,
  TransactionalPublisher,
} from "../../../traits/publisher.ts";
import { MemoryReply } from "../message/message.ts";
import { hasWildcard } from "../options/pattern.ts";
import type { MemoryServer } from "../server/server.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import { Submission } from "./submission.ts";
import { Transaction } from "./transaction.ts";
import { Wait } from "./wait.ts";

const publishNames = optionNames<PublishOptions>()({ signal: true });
const requestNames = optionNames<RequestOptions>()({ timeoutMs: true, signal: true });

/**
 * Publishes to topics of the memory broker. If a topic is full, calls for it wait, and go through in the order you
 * made them. Calls for other topics do not wait. If unread messages fill the topic, `publish` rejects with a
 * retryable `PublishFailedError`.
 */
export class MemoryPublisher implements TransactionalPublisher, RequestReply {
  readonly capabilities: PublisherCapabilities;
  readonly #server: MemoryServer;
  readonly #connection: ServerConnection;

  /** @internal */
  constructor(server: MemoryServer, connection: ServerConnection, maxPayloadBytes: number) {
    this.#server = server;
    this.#connection = connection;
    this.capabilities = {
      confirmation: "broker",
      headerValues: "bytes",
      duplicateHeaders: true,
      maxPayloadBytes,
      transactions: true,
      requestReply: true,
    };
  }

  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    try {
      checkCall("publish()", "message", this.#connection, options);
      const checked = checkMessage(message, this.capabilities);
      if (this.#server.destination(checked.topic)?.isFull(checked.payload.byteLength) !== true) {
        this.#server.send(checked);
        return settledAtOnce;
      }
      return this.#submit("publish()", [checked], options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Rejects as `publish` would: if the name cannot be a topic, or if unread messages fill it. A topic need not
   * exist, because the first publish creates it.
   */
  async checkTopic(topic: string, options?: PublishOptions): Promise<void> {
    checkCall("checkTopic()", "topic", this.#connection, options);
    checkMessage({ topic, payload: "" }, this.capabilities);
    const refusal = this.#server.destination(topic)?.refusal(0);
    if (refusal !== undefined) throw refusal;
  }

  async transaction<T>(work: (publisher: Publisher) => Promise<T>, options?: PublishOptions): Promise<T> {
    checkFunction("transaction(work)", work);
    checkCall("transaction()", "work", this.#connection, options);
    const transaction = new Transaction<T>(this.#server, this.#connection, options?.signal, (message) =>
      checkMessage(message, this.capabilities),
    );
    return transaction.run(work, this.capabilities);
  }

  /**
   * Publishes the message and resolves with the first reply, or rejects with `TimeoutError` after `timeoutMs`. The
   * broker sets the `reply-to` header, so one of yours is refused.
   */
  async request(message: OutgoingMessage, options: RequestOptions): Promise<Message> {
    checkObject("request(message, options)", options, "an object with timeoutMs");
    const { timeoutMs, signal } = options;
    checkDuration("options.timeoutMs", timeoutMs);
    checkCall("request()", "message", this.#connection, options, requestNames);
    const headers = MessageHeaders.from(message.headers);
    if (headers.has(headerNames.replyTo)) {
      const reason = 'request() sets its "reply-to" header itself';
      throw new InvalidMessageError({ topic: message.topic, reason });
    }
    const inbox = this.#server.openInbox((reply) => wait.resolve(new MemoryReply(reply)));
    let submission: Submission | undefined;
    const wait = new Wait<Message>("request()", this.#connection, signal, () => {
      this.#server.closeInbox(inbox);
      timer.cancel();
      submission?.withdraw();
    });
    const timer = this.#server.clock.schedule(timeoutMs, () => {
      wait.reject(new TimeoutError({ what: `The request to "${message.topic}"`, timeoutMs }));
    });
    try {
      const checked = checkMessage(
        { ...message, headers: headers.with(headerNames.replyTo, inbox) },
        this.capabilities,
      );
      submission = new Submission(this.#server, [checked], (refusal) => {
        if (refusal !== undefined) wait.reject(refusal);
      });
      submission.submit();
    } catch (error) {
      wait.reject(error);
    }
    return wait.promise;
  }

  #submit(what: string, messages: readonly CheckedMessage[], signal: AbortSignal | undefined): Promise<void> {
    const submission = new Submission(this.#server, messages, (refusal) => wait.settle(refusal, undefined));
    const wait = new Wait<void>(what, this.#connection, signal, () => submission.withdraw());
    submission.submit();
    return wait.promise;
  }
}

/** What stands before each call. The names of options are looked at only where there are any. */
function checkCall(
  what: string,
  first: string,
  connection: ServerConnection,
  options: PublishOptions | undefined,
  names = publishNames,
): void {
  connection.check(what);
  if (options === undefined) return;
  checkOptionNames(`${what.slice(0, -1)}${first}, options)`, options, names);
  throwIfAborted(options.signal, what);
}

function checkMessage(message: OutgoingMessage, limits: PublisherCapabilities): CheckedMessage {
  const checked = checkOutgoing(message, limits, { keyHeader: headerNames.partitionKey });
  if (!hasWildcard(checked.topic)) return checked;
  const reason = 'a topic to publish to has no wildcard token "*" or ">"';
  throw new InvalidMessageError({ topic: checked.topic, reason });
}
