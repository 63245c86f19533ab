import type { Clock } from "../../../traits/clock.ts";
import { AbortedError, PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { ClientMessage, ConnectionListener, ServerConnection } from "../client.ts";
import { channelFault, scrub } from "../errors.ts";
import { AmqpReply } from "../message/message.ts";
import type { ConfirmChannel, ReplyListener } from "./confirm-channel.ts";
import { PendingPublish, type PublishAnswer, type PublishFields } from "./pending-publish.ts";

/** How long a request waits, and where its reply goes. */
export interface AwaitedReply {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  resolve(reply: AmqpReply): void;
  reject(error: unknown): void;
}

/**
 * The requests of one confirm channel, by direct reply-to: the server sends the replies to the channel that published the request,
 * without a queue. So requests and publishes share a channel, and stay in the order of the calls. Each correlation id is
 * used once, so that a late reply finds nobody.
 */
export class Requests implements ConnectionListener, ReplyListener {
  readonly #connection: ServerConnection;
  readonly #clock: Clock;
  readonly #confirmChannel: ConfirmChannel;
  /** By correlation id. */
  readonly #waiting = new Map<string, PendingRequest>();
  /** For all of them: with a timer for each, setting and cancelling it took a twentieth of the time. */
  readonly #alarm: Alarm;
  #count = 0;

  constructor(connection: ServerConnection, confirmChannel: ConfirmChannel) {
    this.#connection = connection;
    this.#clock = connection.settings.clock;
    this.#alarm = new Alarm(this.#clock, () => this.#expire());
    this.#confirmChannel = confirmChannel;
    connection.add(this);
  }

  /** A correlation id nobody had. */
  nextId(): string {
    this.#count += 1;
    return String(this.#count);
  }

  /** `facts` are of a message with the correlation id `id`. */
  send(id: string, facts: PublishFields, reply: AwaitedReply): void {
    const due = this.#clock.now() + reply.timeoutMs;
    const pending = new PendingRequest(facts, due, reply, () => this.#over(id));
    this.#waiting.set(id, pending);
    this.#alarm.at(due);
    this.#confirmChannel.listen(this);
    this.#confirmChannel.send(pending.publish);
  }

  replied(message: ClientMessage): void {
    this.#waiting.get(message.properties.correlationId ?? "")?.answer(message);
  }

  /** What the server had not confirmed the confirm channel has rejected; what was not sent goes out on the next channel. */
  gone(cause: unknown): void {
    for (const pending of this.#waiting.values()) {
      if (pending.confirmed) pending.reject(this.#replyLost(pending.publish.topic, cause));
    }
  }

  connectionEnded(): void {
    for (const pending of this.#waiting.values()) pending.reject(this.#connection.closedError("request()"));
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
    const { secrets } = this.#connection.settings;
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
class PendingRequest implements Abortable, PublishAnswer {
  readonly publish: PendingPublish;
  readonly due: number;
  /** The server has the request, and its reply is on the way. */
  confirmed = false;
  readonly #reply: AwaitedReply;
  readonly #onOver: () => void;
  #over = false;

  constructor(facts: PublishFields, due: number, reply: AwaitedReply, onOver: () => void) {
    this.publish = new PendingPublish(facts, this);
    this.due = due;
    this.#reply = reply;
    this.#onOver = onOver;
    if (reply.signal !== undefined) watchAbort(reply.signal, this);
  }

  resolve(): void {
    this.confirmed = true;
  }

  answer(message: ClientMessage): void {
    if (this.#finish()) this.#reply.resolve(new AmqpReply(message.fields.routingKey, message));
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#reply.reject(error);
  }

  expire(): void {
    const { timeoutMs } = this.#reply;
    const what = `The request to ${JSON.stringify(this.publish.topic)}`;
    this.reject(new TimeoutError({ what, timeoutMs }));
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: "request()", cause: this.#reply.signal?.reason }));
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#reply.signal !== undefined) unwatchAbort(this.#reply.signal, this);
    this.#onOver();
    // What was not sent by now is not sent at all.
    this.publish.resolve();
    return true;
  }
}
