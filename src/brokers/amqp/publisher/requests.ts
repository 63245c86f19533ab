import type { Clock } from "../../../traits/clock.ts";
import { PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import { type CallAnswer, PendingCall } from "../../shared/pending-call.ts";
import { PendingCalls, type TimedCall } from "../../shared/pending-calls.ts";
import type { ClientMessage, ConnectionListener, ServerConnection } from "../client.ts";
import { channelFault, scrub } from "../errors.ts";
import { AmqpReply } from "../message/message.ts";
import type { ConfirmChannel, ReplyListener } from "./confirm-channel.ts";
import { PendingPublish, type PublishFields } from "./pending-publish.ts";

/** How long a request waits, and where its reply goes. */
export interface AwaitedReply extends CallAnswer<AmqpReply> {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
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
  readonly #waiting: PendingCalls<string, PendingRequest>;
  #count = 0;

  constructor(connection: ServerConnection, confirmChannel: ConfirmChannel) {
    this.#connection = connection;
    this.#clock = connection.settings.clock;
    this.#waiting = new PendingCalls(this.#clock);
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
    const pending = new PendingRequest(facts, due, reply, () => this.#waiting.delete(id));
    this.#waiting.add(id, pending);
    this.#confirmChannel.listen(this);
    this.#confirmChannel.send(pending.publish);
  }

  replied(message: ClientMessage): void {
    this.#waiting.get(message.properties.correlationId ?? "")?.answer(message);
  }

  /** What the server had not confirmed the confirm channel has rejected; what was not sent goes out on the next channel. */
  gone(cause: unknown): void {
    for (const pending of this.#waiting) {
      if (pending.confirmed) pending.reject(this.#replyLost(pending.publish.topic, cause));
    }
  }

  connectionEnded(): void {
    for (const pending of this.#waiting) pending.reject(this.#connection.closedError("request()"));
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

/** One request from its call to its reply. The first answer counts; a confirm of its publish is none. */
class PendingRequest extends PendingCall<AmqpReply> implements TimedCall {
  readonly publish: PendingPublish;
  readonly due: number;
  /** The server has the request, and its reply is on the way. */
  confirmed = false;
  readonly #timeoutMs: number;
  readonly #onOver: () => void;

  constructor(facts: PublishFields, due: number, reply: AwaitedReply, onOver: () => void) {
    super("request()", reply.signal, reply);
    this.due = due;
    this.#timeoutMs = reply.timeoutMs;
    this.#onOver = onOver;
    const resolve = (): void => {
      this.confirmed = true;
    };
    this.publish = new PendingPublish(facts, { resolve, reject: (error) => this.reject(error) });
  }

  answer(message: ClientMessage): void {
    this.resolve(new AmqpReply(message.fields.routingKey, message));
  }

  expire(): void {
    const what = `The request to ${JSON.stringify(this.publish.topic)}`;
    this.reject(new TimeoutError({ what, timeoutMs: this.#timeoutMs }));
  }

  protected override onOver(): void {
    this.#onOver();
    // What was not sent by now is not sent at all.
    this.publish.drop();
  }
}
