import { checkDuration, checkFunction } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidMessageError, isTidelaneError, throwIfAborted } from "../../../traits/errors.ts";
import { headerNames, MessageHeaders } from "../../../traits/headers.ts";
import type { Message } from "../../../traits/message.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../../traits/option-names.ts";
import { type CheckedMessage, checkOutgoing } from "../../../traits/outgoing.ts";
import type {
  OutgoingMessage,
  Publisher,
  PublishOptions,
  RequestOptions,
  RequestReply,
  TransactionalPublisher,
} from "../../../traits/publisher.ts";
import { abortable } from "../../shared/abortable.ts";
import type { Argument, ServerConnection } from "../client.ts";
import { missingStream, publishFailure } from "../errors.ts";
import { textOf, writeFields } from "../message/fields.ts";
import { requestField, splitTopic } from "../message/reply-topic.ts";
import { type PublisherSettings, publishOptionNames } from "../options.ts";
import type { Requests } from "./requests.ts";
import type { SendQueue } from "./send-queue.ts";
import { type Addition, Transaction } from "./transaction.ts";

const none: PublishOptions = {};
const keyHeader = { keyHeader: headerNames.partitionKey } as const;
const requestOptionNames = optionNames<RequestOptions>()({ timeoutMs: true, signal: true });

/** What the publishers of one connection share. */
export interface PublisherContext {
  readonly connection: ServerConnection;
  readonly queue: SendQueue;
  /** Made with the first request. */
  readonly requests: () => Requests;
}

/** Adds entries to streams. All publishes of a turn travel in one write; each resolves when the server has its entry. */
export class RedisPublisher implements TransactionalPublisher, RequestReply {
  readonly capabilities: PublisherCapabilities;
  readonly #context: PublisherContext;
  readonly #settings: PublisherSettings;

  /** @internal */
  constructor(context: PublisherContext, settings: PublisherSettings) {
    this.#context = context;
    this.#settings = settings;
    this.capabilities = {
      confirmation: "broker",
      headerValues: "bytes",
      duplicateHeaders: true,
      maxPayloadBytes: context.connection.settings.maxPayloadBytes,
      transactions: true,
      requestReply: true,
    };
  }

  async publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    await this.add(message, options);
  }

  /** `publish`, with the id of the entry; undefined where it answered a requester who is gone. */
  add(message: OutgoingMessage, options: PublishOptions = none): Promise<string | undefined> {
    // What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      this.#check("publish()", "publish(message, options)", options, publishOptionNames);
      const checked = checkOutgoing(message, this.capabilities, keyHeader);
      const { topic } = checked;
      const { stream, args, mustExist } = this.#addition(checked);
      this.#context.queue.send({
        what: "publish()",
        args: ["XADD", stream, ...args],
        signal: options.signal,
        answered: (id) => {
          if (id === null && mustExist) reject(missingStream(topic));
          else resolve(id === null ? undefined : textOf(id));
        },
        failed: (error) => reject(this.#failure(topic, error)),
      });
    });
  }

  /** All of it is added by one script. In a cluster its streams need one hash tag. */
  async transaction<T>(
    work: (publisher: Publisher) => Promise<T>,
    options: PublishOptions = none,
  ): Promise<T> {
    checkFunction("transaction(work)", work);
    this.#check("transaction()", "transaction(work, options)", options, publishOptionNames);
    const { connection, queue } = this.#context;
    const transaction = new Transaction<T>(connection, queue, (message) =>
      this.#addition(checkOutgoing(message, this.capabilities, keyHeader)),
    );
    return transaction.run(work, this, options.signal);
  }

  /** The reply has nothing to settle: `ack()` resolves. */
  request(message: OutgoingMessage, options: RequestOptions): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#check("request()", "request(message, options)", options, requestOptionNames);
      const { timeoutMs, signal } = options;
      checkDuration("options.timeoutMs", timeoutMs);
      // Once: a caller's iterable may have nothing the second time.
      const headers = MessageHeaders.from(message.headers);
      if (headers.has(headerNames.replyTo)) {
        const reason = 'request() sets its "reply-to" header itself';
        throw new InvalidMessageError({ topic: message.topic, reason });
      }
      const checked = checkOutgoing({ ...message, headers }, this.capabilities, keyHeader);
      const write = (replyTo: string): Argument[] => {
        const withReply = checked.headers.with(headerNames.replyTo, replyTo);
        const { stream, args } = this.#addition({ ...checked, headers: withReply });
        return ["XADD", stream, ...args];
      };
      const fail = (error: unknown): void => reject(this.#failure(checked.topic, error));
      this.#context.requests().send(checked.topic, write, { timeoutMs, signal, resolve, reject: fail });
    });
  }

  /** Asks whether there is such a stream, where a publish does not make it. */
  async checkTopic(topic: string, options: PublishOptions = none): Promise<void> {
    const what = "checkTopic()";
    this.#check(what, "checkTopic(topic, options)", options, publishOptionNames);
    checkOutgoing({ topic, payload: "" }, this.capabilities, keyHeader);
    const { signal } = options;
    const open = await abortable(this.#context.connection.whenOpen(what), signal, what);
    const type = await abortable(open.call("TYPE", topic), signal, what).catch((error: unknown) => {
      throw this.#failure(topic, error);
    });
    const found = textOf(type);
    if (found === "none" && !this.#settings.create) throw missingStream(topic);
    if (found !== "none" && found !== "stream") throw this.#failure(topic, new Error("WRONGTYPE no stream"));
  }

  #check(what: string, call: string, options: PublishOptions, names: OptionNames): void {
    this.#context.connection.check(what);
    checkOptionNames(call, options, names);
    throwIfAborted(options.signal, what);
  }

  #addition({ topic, payload, headers }: CheckedMessage): Addition {
    const { create, trim } = this.#settings;
    const { stream, request } = splitTopic(topic);
    const fields = writeFields(payload, headers);
    // A requester who is gone has deleted its stream, and nobody would delete it again.
    if (request !== undefined) {
      return { stream, args: ["NOMKSTREAM", "*", requestField, request, ...fields], mustExist: false };
    }
    const args: Argument[] = create ? [] : ["NOMKSTREAM"];
    if (trim !== undefined) {
      const how = trim.exact ? "=" : "~";
      if (trim.minId === undefined) args.push("MAXLEN", how, String(trim.maxLength));
      else args.push("MINID", how, trim.minId());
    }
    args.push("*", ...fields);
    return { stream, args, mustExist: !create };
  }

  #failure(topic: string, error: unknown): unknown {
    if (isTidelaneError(error)) return error;
    return publishFailure(topic, error, this.#context.connection.settings.secrets);
  }
}
