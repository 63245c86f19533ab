import type { Clock } from "../../traits/clock.ts";
import { AbortedError, PublishFailedError, TimeoutError } from "../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../shared/abort-watch.ts";
import { Alarm } from "../shared/alarm.ts";
import type { ClientConfirmChannel, ClientMessage } from "./client.ts";
import { publishFailure } from "./errors.ts";
import type { Link, Rider } from "./link.ts";
import { AmqpReply } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { Parcel, type ParcelEnds, type ParcelFacts } from "./parcel.ts";

/** The server's name for "an address of this channel". */
export const replyTo = "amq.rabbitmq.reply-to";

/** How long a request waits, and where its reply goes. */
export interface ReplyWish {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  resolve(reply: AmqpReply): void;
  reject(error: unknown): void;
}

/**
 * Requests by direct reply-to: the replies come to the channel that sent the request, without a queue. They are told
 * apart by their correlation ids, which are used once, so that a late one finds nobody.
 */
export class Requests implements Rider {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  /** By correlation id. */
  readonly #waiting = new Map<string, PendingRequest>();
  /** For all of them: with a timer for each, setting and cancelling it took a twentieth of the time. */
  readonly #alarm: Alarm;
  #count = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#clock = link.settings.clock;
    this.#alarm = new Alarm(this.#clock, () => this.#expire());
    this.#outbox = new Outbox(link, {
      prepare: (channel) => this.#listen(channel),
      gone: (cause) => this.#rejectAll(cause),
    });
    link.join(this);
  }

  /** A correlation id nobody had. */
  nextId(): string {
    this.#count += 1;
    return String(this.#count);
  }

  /** `facts` are of a message with the correlation id `id`. */
  send(id: string, facts: ParcelFacts, wish: ReplyWish): void {
    const due = this.#clock.now() + wish.timeoutMs;
    const pending = new PendingRequest(facts, due, wish, () => this.#over(id));
    this.#waiting.set(id, pending);
    this.#alarm.at(due);
    this.#outbox.send(pending.parcel);
  }

  end(): void {
    for (const pending of this.#waiting.values()) pending.reject(this.#link.closedError("request()"));
  }

  #over(id: string): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#alarm.cancel();
  }

  #listen(channel: ClientConfirmChannel): Promise<unknown> {
    return channel.consume(replyTo, (message) => this.#answered(message), { noAck: true });
  }

  #answered(message: ClientMessage | null): void {
    if (message === null) return;
    this.#waiting.get(message.properties.correlationId ?? "")?.answer(message);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const pending of this.#waiting.values()) {
      if (pending.due <= now) pending.expire();
      else this.#alarm.at(pending.due);
    }
  }

  /** The address their replies would come to is gone. */
  #rejectAll(cause: unknown): void {
    for (const pending of this.#waiting.values()) {
      const { topic } = pending.parcel;
      const reason = "the connection was lost before the reply came";
      pending.reject(
        cause === undefined
          ? new PublishFailedError({ topic, reason, retryable: true })
          : publishFailure(topic, cause, this.#link.settings.secrets),
      );
    }
  }
}

/** One request from its call to its reply. The first answer counts. That the server has it is none. */
class PendingRequest implements Abortable, ParcelEnds {
  readonly parcel: Parcel;
  readonly due: number;
  readonly #wish: ReplyWish;
  readonly #onOver: () => void;
  #over = false;

  constructor(facts: ParcelFacts, due: number, wish: ReplyWish, onOver: () => void) {
    this.parcel = new Parcel(facts, this);
    this.due = due;
    this.#wish = wish;
    this.#onOver = onOver;
    if (wish.signal !== undefined) watchAbort(wish.signal, this);
  }

  /** The server has taken the request. */
  resolve(): void {}

  answer(message: ClientMessage): void {
    if (this.#finish()) this.#wish.resolve(new AmqpReply(message.fields.routingKey, message));
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#wish.reject(error);
  }

  expire(): void {
    const { timeoutMs } = this.#wish;
    const what = `The request to ${JSON.stringify(this.parcel.topic)}`;
    this.reject(new TimeoutError({ what, timeoutMs }));
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: "request()", cause: this.#wish.signal?.reason }));
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#wish.signal !== undefined) unwatchAbort(this.#wish.signal, this);
    this.#onOver();
    // What was not sent by now is not sent at all.
    this.parcel.resolve();
    return true;
  }
}
