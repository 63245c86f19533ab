import { checkDuration } from "../../traits/arguments.ts";
import type { Timer } from "../../traits/clock.ts";
import { type Deferred, deferred } from "../../traits/deferred.ts";
import { AbortedError, PublishFailedError, TimeoutError } from "../../traits/errors.ts";
import type { ClientConfirmChannel, ClientMessage } from "./client.ts";
import { publishFailure } from "./errors.ts";
import type { Link, Rider } from "./link.ts";
import { AmqpReply } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { Parcel, type ParcelFacts } from "./parcel.ts";

/** The server's name for "an address of this channel". */
export const replyTo = "amq.rabbitmq.reply-to";

/** A request that waits for its reply. */
interface Pending {
  readonly topic: string;
  readonly reply: Deferred<AmqpReply>;
}

/**
 * Requests by direct reply-to: the replies come to the channel that sent the request, without a queue. They are told
 * apart by their correlation ids, which are used once, so that a late one finds nobody.
 */
export class Requests implements Rider {
  readonly #link: Link;
  readonly #outbox: Outbox;
  /** By correlation id. */
  readonly #pending = new Map<string, Pending>();
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
  request(
    facts: (correlationId: string) => ParcelFacts,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AmqpReply> {
    checkDuration("options.timeoutMs", timeoutMs);
    this.#count += 1;
    const id = String(this.#count);
    const parcel = new Parcel(facts(id));
    const pending: Pending = { topic: parcel.topic, reply: deferred() };
    this.#pending.set(id, pending);
    const onAbort = (): void =>
      pending.reply.reject(new AbortedError({ what: "request()", cause: signal?.reason }));
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer: Timer = this.#link.settings.clock.schedule(timeoutMs, () => {
      pending.reply.reject(
        new TimeoutError({ what: `The request to ${JSON.stringify(parcel.topic)}`, timeoutMs }),
      );
    });
    parcel.promise.catch((error: unknown) => pending.reply.reject(error));
    this.#outbox.send(parcel);
    return pending.reply.promise.finally(() => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      this.#pending.delete(id);
      // Nothing is sent for a request that is over.
      parcel.resolve();
    });
  }

  end(): void {
    for (const { reply } of this.#pending.values()) reply.reject(this.#link.closedError("request()"));
  }

  #listen(channel: ClientConfirmChannel): Promise<unknown> {
    return channel.consume(replyTo, (message) => this.#answered(message), { noAck: true });
  }

  #answered(message: ClientMessage | null): void {
    const pending = this.#pending.get(message?.properties.correlationId ?? "");
    if (message !== null && pending !== undefined)
      pending.reply.resolve(new AmqpReply(message.fields.routingKey, message));
  }

  /** The address their replies would come to is gone. */
  #rejectAll(cause: unknown): void {
    for (const { topic, reply } of this.#pending.values()) {
      const reason = "the connection was lost before the reply came";
      reply.reject(
        cause === undefined
          ? new PublishFailedError({ topic, reason, retryable: true })
          : publishFailure(topic, cause, this.#link.settings.secrets),
      );
    }
  }
}
