import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { TransactionError, throwIfAborted } from "../../../traits/errors.ts";
import { settledAtOnce } from "../../../traits/message.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type { OutgoingMessage, Publisher, PublishOptions } from "../../../traits/publisher.ts";
import type { MemoryServer } from "../server/server.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import { Submission } from "./submission.ts";
import { Wait } from "./wait.ts";

/** Collects what is published inside and submits it as one when the work is done. */
export class Transaction<T> {
  readonly #server: MemoryServer;
  readonly #connection: ServerConnection;
  readonly #check: (message: OutgoingMessage) => CheckedMessage;
  readonly #messages: CheckedMessage[] = [];
  readonly #wait: Wait<T>;
  /** Set once the work is over: nothing joins any more. */
  #committing: Submission | undefined = undefined;

  constructor(
    server: MemoryServer,
    connection: ServerConnection,
    signal: AbortSignal | undefined,
    check: (message: OutgoingMessage) => CheckedMessage,
  ) {
    this.#server = server;
    this.#connection = connection;
    this.#check = check;
    this.#wait = new Wait("transaction()", connection, signal, () => this.#committing?.withdraw());
  }

  /** Ends with the work, or sooner by the signal or the connection; nothing is visible then. */
  run(work: (publisher: Publisher) => Promise<T>, capabilities: PublisherCapabilities): Promise<T> {
    const inner: Publisher = {
      capabilities: { ...capabilities, transactions: false, requestReply: false },
      publish: (message, options) => this.#publish(message, options),
    };
    // The promise of the work is owned here: when the wait is over already, both calls do nothing.
    settledAtOnce
      .then(() => work(inner))
      .then(
        (result) => this.#commit(result),
        (error: unknown) => this.#wait.reject(error),
      );
    return this.#wait.promise;
  }

  #commit(result: T): void {
    if (this.#wait.over) return;
    this.#committing = new Submission(this.#server, this.#messages, (refusal) =>
      this.#wait.settle(refusal, result),
    );
    this.#committing.submit();
  }

  #publish(message: OutgoingMessage, options: PublishOptions | undefined): Promise<void> {
    try {
      this.#connection.check("publish()");
      if (this.#wait.over || this.#committing !== undefined) {
        throw new TransactionError({
          reason: "a message was published with its publisher after its end",
        });
      }
      throwIfAborted(options?.signal, "publish()");
      this.#messages.push(this.#check(message));
      return settledAtOnce;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
