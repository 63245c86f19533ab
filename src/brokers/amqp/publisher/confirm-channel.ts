import { Fifo } from "../../../structures/fifo.ts";
import type { Timer } from "../../../traits/clock.ts";
import { InvalidMessageError, PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import type { ClientConfirmChannel, ClientMessage, Confirm, ReturnedMessage } from "../client.ts";
import type { Link, Rider } from "../connection/reconnecting-connection.ts";
import type { Session } from "../connection/socket-connection.ts";
import { publishFailure, readFault, unroutable } from "../errors.ts";
import type { PendingPublish } from "./pending-publish.ts";

/** The server's name for "an address of this channel", to consume from and to publish requests with. */
export const replyTo = "amq.rabbitmq.reply-to";

/** Takes the replies to what a confirm channel published. */
export interface ReplyListener {
  replied(message: ClientMessage): void;
  /** The channel is gone, and with it the address the replies would come to. */
  gone(cause: unknown): void;
}

/**
 * n.b. the client says at 16 KiB that it is full, and what goes into it is what the next write to the socket takes: at
 * 512 B a message, small writes cost 2 µs each.
 */
const mostOverfull = 256 * 1024;

/**
 * Publishes on a confirm channel of its own, over all sessions, in the order of the calls. What was sent when a channel
 * ends is rejected, as nobody knows what became of it; what still waits is sent on the next.
 */
export class ConfirmChannel implements Rider {
  readonly #link: Link;
  /** To be sent, oldest first; some of it may be answered already. */
  readonly #waiting = new Fifo<PendingPublish>();
  /** Everything that may still run into its time limit, soonest first. */
  readonly #limited = new Fifo<PendingPublish>();
  #timer: Timer | undefined;
  #channel: ClientConfirmChannel | undefined;
  #opening = false;
  /** Bytes that went into the client's buffer since it said that it is full, until it says "drain". */
  #overfull = 0;
  /** How much was published on this channel: the server confirms by this number. */
  #sent = 0;
  /** Published on this channel and not confirmed, by number, which is the order of the map too. */
  #unconfirmed = new Map<number, PendingPublish>();

  /** Undefined while no channel needs a reply address. */
  #listener: ReplyListener | undefined;

  constructor(link: Link) {
    this.#link = link;
    link.join(this);
  }

  /**
   * Gives its channel a reply address, and every channel after it. The server reads a channel in order, so a request that
   * is sent after this call finds the address there.
   */
  listen(listener: ReplyListener): void {
    if (this.#listener === listener) return;
    this.#listener = listener;
    // A refusal closes the channel, and that answers everything on it.
    if (this.#channel !== undefined) consumeReplies(this.#channel, listener).catch(() => {});
  }

  send(publish: PendingPublish): void {
    this.#limit(publish);
    this.#waiting.push(publish);
    this.#pump();
  }

  up(): void {
    this.#pump();
  }

  unblocked(): void {
    this.#pump();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const publish of [...this.#unconfirmed.values(), ...this.#waiting]) {
      publish.reject(this.#link.closedError(publish.what));
    }
    this.#unconfirmed.clear();
    this.#waiting.clear();
    this.#limited.clear();
  }

  #pump(): void {
    const session = this.#link.session;
    if (session === undefined || session.blocked !== undefined) return;
    dropAnswered(this.#waiting);
    if (this.#waiting.size === 0) return;
    if (this.#channel === undefined) {
      if (!this.#opening) void this.#open(session);
      return;
    }
    while (this.#overfull <= mostOverfull && this.#channel !== undefined) {
      const publish = this.#waiting.shift();
      if (publish === undefined) return;
      const content = publish.take();
      if (content === undefined) continue;
      this.#publish(this.#channel, publish, content);
      session.writes.gather();
    }
  }

  async #open(session: Session): Promise<void> {
    this.#opening = true;
    try {
      const channel = await session.client.createConfirmChannel();
      const life = this.#attach(session, channel);
      if (this.#listener !== undefined) await consumeReplies(channel, this.#listener);
      if (!life.over) this.#channel = channel;
    } catch (error) {
      // With its session gone there will be another one, and `up`.
      if (!session.over) {
        // A server that refuses a reply address must not refuse every publish after this one too.
        this.#listener = undefined;
        this.#refuseAll(error);
      }
    } finally {
      this.#opening = false;
    }
    this.#pump();
  }

  #attach(session: Session, channel: ClientConfirmChannel): { readonly over: boolean } {
    const life = { over: session.over };
    this.#overfull = 0;
    this.#sent = 0;
    const unconfirmed = new Map<number, PendingPublish>();
    this.#unconfirmed = unconfirmed;
    let fault: unknown;
    channel.on("error", (error) => {
      fault ??= error;
    });
    channel.on("ack", (confirm) => confirmed(unconfirmed, confirm, accept));
    channel.on("nack", (confirm) => confirmed(unconfirmed, confirm, refuse));
    channel.on("return", (message) => markReturned(unconfirmed, message));
    channel.on("drain", () => {
      this.#overfull = 0;
      this.#pump();
    });
    channel.on("close", () => {
      life.over = true;
      if (this.#channel === channel) this.#channel = undefined;
      const alone = unconfirmed.size === 1;
      for (const publish of unconfirmed.values()) {
        publish.reject(this.#lost(publish, fault, alone));
        publish.release();
      }
      unconfirmed.clear();
      this.#listener?.gone(fault);
      if (!session.over) this.#pump();
    });
    return life;
  }

  #publish(channel: ClientConfirmChannel, publish: PendingPublish, content: Buffer): void {
    try {
      const roomLeft = channel.publish(publish.exchange, publish.routingKey, content, publish.settings);
      if (!roomLeft) this.#overfull += content.byteLength;
      publish.sent();
      this.#sent += 1;
      this.#unconfirmed.set(this.#sent, publish);
    } catch (error) {
      publish.reject(this.#unsent(publish, error));
    }
  }

  /** n.b. what the client throws at it has not sent, and not numbered either. */
  #unsent({ topic }: PendingPublish, cause: unknown): Error {
    if (!(cause instanceof Error) || cause.name === "IllegalOperationError") {
      return publishFailure(topic, cause, this.#link.settings.secrets);
    }
    return new InvalidMessageError({
      topic,
      reason: `the client cannot encode it (${cause.message})`,
      cause,
    });
  }

  /** n.b. the server does not say which message it closed a channel for. */
  #lost(publish: PendingPublish, fault: unknown, alone: boolean): PublishFailedError {
    const { topic } = publish;
    if (fault === undefined) {
      return new PublishFailedError({ topic, reason: "the connection was lost before", retryable: true });
    }
    const failure = publishFailure(topic, fault, this.#link.settings.secrets);
    const { code } = readFault(fault);
    // A reply goes through the default exchange on the channel of another one, which may be missing.
    const isOther = code === 404 && publish.exchange === "";
    const mayBeOther = isOther || (!alone && code === 406 && !isTooLarge(publish, fault));
    if (!mayBeOther || failure.retryable) return failure;
    const reason = `its channel was closed for another message (${failure.reason})`;
    return new PublishFailedError({ topic, reason, retryable: true, cause: failure.cause });
  }

  #refuseAll(error: unknown): void {
    for (let publish = this.#waiting.shift(); publish !== undefined; publish = this.#waiting.shift()) {
      publish.reject(publishFailure(publish.topic, error, this.#link.settings.secrets));
    }
  }

  #limit(publish: PendingPublish): void {
    const { publishTimeoutMs, clock } = this.#link.settings;
    if (publishTimeoutMs === Number.POSITIVE_INFINITY) return;
    dropAnswered(this.#limited);
    publish.dueAt = clock.now() + publishTimeoutMs;
    this.#limited.push(publish);
    this.#timer ??= clock.schedule(publishTimeoutMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const { publishTimeoutMs: timeoutMs, clock } = this.#link.settings;
    for (let publish = this.#limited.peek(); publish !== undefined; publish = this.#limited.peek()) {
      if (!publish.answered && publish.dueAt > clock.now()) {
        this.#timer = clock.schedule(publish.dueAt - clock.now(), () => this.#expire());
        return;
      }
      this.#limited.shift();
      const what = `${publish.what} to ${JSON.stringify(publish.topic)}${this.#whyUnconfirmed()}`;
      publish.reject(new TimeoutError({ what, timeoutMs }));
    }
  }

  /** What keeps publishes from being answered. */
  #whyUnconfirmed(): string {
    const { session } = this.#link;
    if (session === undefined) return " (the connection is lost)";
    return session.blocked === undefined ? "" : ` (the server blocks publishers: ${session.blocked})`;
  }
}

function consumeReplies(channel: ClientConfirmChannel, listener: ReplyListener): Promise<unknown> {
  const onMessage = (message: ClientMessage | null): void => {
    if (message !== null) listener.replied(message);
  };
  return channel.consume(replyTo, onMessage, { noAck: true });
}

/** Whether it is of the size the server complains of. */
function isTooLarge(publish: PendingPublish, fault: unknown): boolean {
  const size = /^message size (\d+) is larger/.exec(readFault(fault).text)?.[1];
  return size !== undefined && Number(size) === publish.size;
}

function dropAnswered(publishes: Fifo<PendingPublish>): void {
  while (publishes.peek()?.answered === true) publishes.shift();
}

/** Answers what the server confirms: one, or all up to one. */
function confirmed(
  unconfirmed: Map<number, PendingPublish>,
  { deliveryTag, multiple }: Confirm,
  answer: (publish: PendingPublish) => void,
): void {
  if (!multiple) {
    const publish = unconfirmed.get(deliveryTag);
    unconfirmed.delete(deliveryTag);
    if (publish) answer(publish);
    publish?.release();
    return;
  }
  for (const [number, publish] of unconfirmed) {
    if (number > deliveryTag) return;
    unconfirmed.delete(number);
    answer(publish);
    publish.release();
  }
}

function accept(publish: PendingPublish): void {
  if (!publish.returned) {
    publish.resolve();
    return;
  }
  publish.reject(unroutable(publish.topic, publish.exchange, publish.routingKey));
}

function refuse(publish: PendingPublish): void {
  const reason = "the server refused it, as a queue is full or could not take it";
  publish.reject(new PublishFailedError({ topic: publish.topic, reason, retryable: true }));
}

/** n.b. the server returns a message before it confirms it. */
function markReturned(unconfirmed: Map<number, PendingPublish>, message: ReturnedMessage): void {
  for (const publish of unconfirmed.values()) {
    if (!publish.matches(message)) continue;
    publish.returned = true;
    return;
  }
}
