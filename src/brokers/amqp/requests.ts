import { checkDuration } from "../../traits/arguments.ts";
import type { Timer } from "../../traits/clock.ts";
import { type Deferred, deferred } from "../../traits/deferred.ts";
import { AbortedError, PublishFailedError, TimeoutError } from "../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../shared/abort-watch.ts";
import type { ClientConfirmChannel, ClientMessage } from "./client.ts";
import { publishFailure } from "./errors.ts";
import type { Link, Rider } from "./link.ts";
import { AmqpReply } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { Parcel, type ParcelFacts } from "./parcel.ts";

/** The server's name for "an address of this channel". */
export const replyTo = "amq.rabbitmq.reply-to";

/**
 * Requests by direct reply-to: the replies come to the channel that sent the request, without a queue. They are told
 * apart by their correlation ids, which are used once, so that a late one finds nobody.
 */
export class Requests implements Rider {
  readonly #link: Link;
  readonly #outbox: Outbox;
  /** By correlation id. */
  readonly #waiting = new Map<string, ReplyWait>();
  #count = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#outbox = new Outbox(link, {
      prepare: (channel) => this.#listen(channel),
      gone: (cause) => this.#rejectAll(cause),
    });
    link.join(this);
  }

  /** `facts` makes the request of its correlation id. */
  async request(
    facts: (correlationId: string) => ParcelFacts,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AmqpReply> {
    checkDuration("options.timeoutMs", timeoutMs);
    this.#count += 1;
    const id = String(this.#count);
    const parcel = new Parcel(facts(id));
    const wait = new ReplyWait(parcel.topic, signal);
    const timer: Timer = this.#link.settings.clock.schedule(timeoutMs, () => {
      wait.reject(new TimeoutError({ what: `The request to ${JSON.stringify(parcel.topic)}`, timeoutMs }));
    });
    this.#waiting.set(id, wait);
    parcel.promise.catch((error: unknown) => wait.reject(error));
    this.#outbox.send(parcel);
    try {
      return await wait.promise;
    } finally {
      timer.cancel();
      wait.stop();
      this.#waiting.delete(id);
      // What was not sent by now is not sent at all.
      parcel.resolve();
    }
  }

  end(): void {
    for (const wait of this.#waiting.values()) wait.reject(this.#link.closedError("request()"));
  }

  #listen(channel: ClientConfirmChannel): Promise<unknown> {
    return channel.consume(replyTo, (message) => this.#answered(message), { noAck: true });
  }

  #answered(message: ClientMessage | null): void {
    if (message === null) return;
    const wait = this.#waiting.get(message.properties.correlationId ?? "");
    wait?.resolve(new AmqpReply(message.fields.routingKey, message));
  }

  /** The address their replies would come to is gone. */
  #rejectAll(cause: unknown): void {
    for (const wait of this.#waiting.values()) {
      const { topic } = wait;
      const reason = "the connection was lost before the reply came";
      wait.reject(
        cause === undefined
          ? new PublishFailedError({ topic, reason, retryable: true })
          : publishFailure(topic, cause, this.#link.settings.secrets),
      );
    }
  }
}

/** One request from its call to its reply. The first answer counts. */
class ReplyWait implements Abortable {
  readonly topic: string;
  readonly #signal: AbortSignal | undefined;
  readonly #reply: Deferred<AmqpReply> = deferred();

  constructor(topic: string, signal: AbortSignal | undefined) {
    this.topic = topic;
    this.#signal = signal;
    if (signal !== undefined) watchAbort(signal, this);
  }

  get promise(): Promise<AmqpReply> {
    return this.#reply.promise;
  }

  resolve(reply: AmqpReply): void {
    this.#reply.resolve(reply);
  }

  reject(error: unknown): void {
    this.#reply.reject(error);
  }

  stop(): void {
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: "request()", cause: this.#signal?.reason }));
  }
}
