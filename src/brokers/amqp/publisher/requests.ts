import type { Clock } from "../../../traits/clock.ts";
import { AbortedError, PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { ClientMessage } from "../client.ts";
import type { Link, Rider } from "../connection/reconnecting-connection.ts";
import { channelFault, scrub } from "../errors.ts";
import { AmqpReply } from "../message/message.ts";
import type { Outbox, ReplyListener } from "./confirm-channel.ts";
import { Parcel, type ParcelEnds, type ParcelFacts } from "./pending-publish.ts";

/** How long a request waits, and where its reply goes. */
export interface ReplyWish {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  resolve(reply: AmqpReply): void;
  reject(error: unknown): void;
}

/**
 * The requests of one outbox, by direct reply-to: the server sends the replies to the channel that published the request,
 * without a queue. So requests and publishes share a channel, and stay in the order of the calls. Each correlation id is
 * used once, so that a late reply finds nobody.
 */
export class Requests implements Rider, ReplyListener {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  /** By correlation id. */
  readonly #waiting = new Map<string, PendingRequest>();
  /** For all of them: with a timer for each, setting and cancelling it took a twentieth of the time. */
  readonly #alarm: Alarm;
  #count = 0;

  constructor(link: Link, outbox: Outbox) {
    this.#link = link;
    this.#clock = link.settings.clock;
    this.#alarm = new Alarm(this.#clock, () => this.#expire());
    this.#outbox = outbox;
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
    this.#outbox.listen(this);
    this.#outbox.send(pending.parcel);
  }

  replied(message: ClientMessage): void {
    this.#waiting.get(message.properties.correlationId ?? "")?.answer(message);
  }

  /** n.b. what the server had not confirmed the outbox has rejected; what was not sent goes out on the next channel. */
  gone(cause: unknown): void {
    for (const pending of this.#waiting.values()) {
      if (pending.confirmed) pending.reject(this.#replyLost(pending.parcel.topic, cause));
    }
  }

  end(): void {
    for (const pending of this.#waiting.values()) pending.reject(this.#link.closedError("request()"));
  }

  #over(id: string): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#alarm.cancel();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const pending of this.#waiting.values()) {
      if (pending.due <= now) pending.expire();
      else this.#alarm.at(pending.due);
    }
  }

  #replyLost(topic: string, cause: unknown): PublishFailedError {
    if (cause === undefined) {
      const reason = "the connection was lost before the reply came";
      return new PublishFailedError({ topic, reason, retryable: true });
    }
    const { secrets } = this.#link.settings;
    const reason = `its channel was closed before the reply came (${channelFault(cause).reason})`;
    return new PublishFailedError({
      topic,
      reason: secrets.clean(reason),
      retryable: true,
      cause: scrub(cause, secrets),
    });
  }
}

/** One request from its call to its reply. The first answer counts. That the server has it is none. */
class PendingRequest implements Abortable, ParcelEnds {
  readonly parcel: Parcel;
  readonly due: number;
  /** The server has the request, and its reply is on the way. */
  confirmed = false;
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

  resolve(): void {
    this.confirmed = true;
  }

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
