import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { isTidelaneError, throwIfAborted } from "../../../traits/errors.ts";
import { headerNames } from "../../../traits/headers.ts";
import { checkOptionNames } from "../../../traits/option-names.ts";
import { type CheckedMessage, checkOutgoing } from "../../../traits/outgoing.ts";
import type { OutgoingMessage, Publisher, PublishOptions } from "../../../traits/publisher.ts";
import { abortable } from "../../shared/abortable.ts";
import type { Argument, ServerConnection } from "../client.ts";
import { missingStream, publishFailure } from "../errors.ts";
import { textOf, writeFields } from "../message/fields.ts";
import { type PublisherSettings, publishOptionNames } from "../options.ts";
import type { SendQueue } from "./send-queue.ts";

const none: PublishOptions = {};
const keyHeader = { keyHeader: headerNames.partitionKey } as const;

/** Adds entries to streams. All publishes of a turn travel in one write; each resolves when the server has its entry. */
export class RedisPublisher implements Publisher {
  readonly capabilities: PublisherCapabilities;
  readonly #connection: ServerConnection;
  readonly #queue: SendQueue;
  readonly #settings: PublisherSettings;

  /** @internal */
  constructor(connection: ServerConnection, queue: SendQueue, settings: PublisherSettings) {
    this.#connection = connection;
    this.#queue = queue;
    this.#settings = settings;
    this.capabilities = {
      confirmation: "broker",
      headerValues: "bytes",
      duplicateHeaders: true,
      maxPayloadBytes: connection.settings.maxPayloadBytes,
      transactions: false,
      requestReply: false,
    };
  }

  async publish(message: OutgoingMessage, options?: PublishOptions): Promise<void> {
    await this.add(message, options);
  }

  /** `publish`, with the id of the entry. */
  add(message: OutgoingMessage, options: PublishOptions = none): Promise<string> {
    // What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      this.#connection.check("publish()");
      checkOptionNames("publish(message, options)", options, publishOptionNames);
      throwIfAborted(options.signal, "publish()");
      const checked = checkOutgoing(message, this.capabilities, keyHeader);
      const { topic } = checked;
      this.#queue.send({
        what: "publish()",
        args: this.#command(checked),
        signal: options.signal,
        answered: (id) => (id === null ? reject(missingStream(topic)) : resolve(textOf(id))),
        failed: (error) => reject(this.#failure(topic, error)),
      });
    });
  }

  /** Asks whether there is such a stream, where a publish does not make it. */
  async checkTopic(topic: string, options: PublishOptions = none): Promise<void> {
    this.#connection.check("checkTopic()");
    checkOptionNames("checkTopic(topic, options)", options, publishOptionNames);
    throwIfAborted(options.signal, "checkTopic()");
    checkOutgoing({ topic, payload: "" }, this.capabilities, keyHeader);
    const open = await abortable(this.#connection.whenOpen("checkTopic()"), options.signal, "checkTopic()");
    const type = await abortable(open.call("TYPE", topic), options.signal, "checkTopic()").catch(
      (error: unknown) => {
        throw this.#failure(topic, error);
      },
    );
    const found = textOf(type);
    if (found === "none" && !this.#settings.create) throw missingStream(topic);
    if (found !== "none" && found !== "stream")
      throw this.#failure(topic, new Error("WRONGTYPE it holds a value"));
  }

  #command({ topic, payload, headers }: CheckedMessage): Argument[] {
    const { create, trim } = this.#settings;
    const args: Argument[] = ["XADD", topic];
    if (!create) args.push("NOMKSTREAM");
    if (trim !== undefined) {
      const { maxLength, maxAgeMs = 0, exact = false } = trim;
      const [by, limit] = maxLength === undefined ? ["MINID", Date.now() - maxAgeMs] : ["MAXLEN", maxLength];
      args.push(by as string, exact ? "=" : "~", String(limit));
    }
    args.push("*", ...writeFields(payload, headers));
    return args;
  }

  #failure(topic: string, error: unknown): unknown {
    return isTidelaneError(error) ? error : publishFailure(topic, error, this.#connection.settings.secrets);
  }
}
