import { Fifo } from "../../../structures/fifo.ts";
import type { Timer } from "../../../traits/clock.ts";
import { InvalidMessageError, PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import type { ClientConfirmChannel, ClientMessage, Confirm, ReturnedMessage } from "../client.ts";
import type { Link, Rider } from "../connection/reconnecting-connection.ts";
import type { Session } from "../connection/socket-connection.ts";
import { publishFailure, readFault, unroutable } from "../errors.ts";
import type { Parcel } from "./pending-publish.ts";

/** The server's name for "an address of this channel", to consume from and to publish requests with. */
export const replyTo = "amq.rabbitmq.reply-to";

/** Takes the replies to what an outbox published. */
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
export class Outbox implements Rider {
  readonly #link: Link;
  /** To be sent, oldest first; some of it may be answered already. */
  readonly #waiting = new Fifo<Parcel>();
  /** Everything that may still run into its time limit, soonest first. */
  readonly #limited = new Fifo<Parcel>();
  #timer: Timer | undefined;
  #channel: ClientConfirmChannel | undefined;
  #opening = false;
  /** Bytes that went into the client's buffer since it said that it is full, until it says "drain". */
  #overfull = 0;
  /** How much was published on this channel: the server confirms by this number. */
  #sent = 0;
  /** Published on this channel and not confirmed, by number, which is the order of the map too. */
  #unconfirmed = new Map<number, Parcel>();

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

  send(parcel: Parcel): void {
    this.#limit(parcel);
    this.#waiting.push(parcel);
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
    for (const parcel of [...this.#unconfirmed.values(), ...this.#waiting]) {
      parcel.reject(this.#link.closedError(parcel.what));
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
      const parcel = this.#waiting.shift();
      if (parcel === undefined) return;
      const content = parcel.take();
      if (content === undefined) continue;
      this.#publish(this.#channel, parcel, content);
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
    const unconfirmed = new Map<number, Parcel>();
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
      for (const parcel of unconfirmed.values()) {
        parcel.reject(this.#lost(parcel, fault, alone));
        parcel.release();
      }
      unconfirmed.clear();
      this.#listener?.gone(fault);
      if (!session.over) this.#pump();
    });
    return life;
  }

  #publish(channel: ClientConfirmChannel, parcel: Parcel, content: Buffer): void {
    try {
      const roomLeft = channel.publish(parcel.exchange, parcel.routingKey, content, parcel.settings);
      if (!roomLeft) this.#overfull += content.byteLength;
      parcel.sent();
      this.#sent += 1;
      this.#unconfirmed.set(this.#sent, parcel);
    } catch (error) {
      parcel.reject(this.#unsent(parcel, error));
    }
  }

  /** n.b. what the client throws at it has not sent, and not numbered either. */
  #unsent({ topic }: Parcel, cause: unknown): Error {
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
  #lost(parcel: Parcel, fault: unknown, alone: boolean): PublishFailedError {
    const { topic } = parcel;
    if (fault === undefined) {
      return new PublishFailedError({ topic, reason: "the connection was lost before", retryable: true });
    }
    const failure = publishFailure(topic, fault, this.#link.settings.secrets);
    const { code } = readFault(fault);
    // A reply goes through the default exchange on the channel of another one, which may be missing.
    const isOther = code === 404 && parcel.exchange === "";
    const mayBeOther = isOther || (!alone && code === 406 && !isTooLarge(parcel, fault));
    if (!mayBeOther || failure.retryable) return failure;
    const reason = `its channel was closed for another message (${failure.reason})`;
    return new PublishFailedError({ topic, reason, retryable: true, cause: failure.cause });
  }

  #refuseAll(error: unknown): void {
    for (let parcel = this.#waiting.shift(); parcel !== undefined; parcel = this.#waiting.shift()) {
      parcel.reject(publishFailure(parcel.topic, error, this.#link.settings.secrets));
    }
  }

  #limit(parcel: Parcel): void {
    const { publishTimeoutMs, clock } = this.#link.settings;
    if (publishTimeoutMs === Number.POSITIVE_INFINITY) return;
    dropAnswered(this.#limited);
    parcel.dueAt = clock.now() + publishTimeoutMs;
    this.#limited.push(parcel);
    this.#timer ??= clock.schedule(publishTimeoutMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const { publishTimeoutMs: timeoutMs, clock } = this.#link.settings;
    for (let parcel = this.#limited.peek(); parcel !== undefined; parcel = this.#limited.peek()) {
      if (!parcel.answered && parcel.dueAt > clock.now()) {
        this.#timer = clock.schedule(parcel.dueAt - clock.now(), () => this.#expire());
        return;
      }
      this.#limited.shift();
      const what = `${parcel.what} to ${JSON.stringify(parcel.topic)}${this.#hindrance()}`;
      parcel.reject(new TimeoutError({ what, timeoutMs }));
    }
  }

  /** What keeps publishes from being answered. */
  #hindrance(): string {
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
function isTooLarge(parcel: Parcel, fault: unknown): boolean {
  const size = /^message size (\d+) is larger/.exec(readFault(fault).text)?.[1];
  return size !== undefined && Number(size) === parcel.size;
}

function dropAnswered(parcels: Fifo<Parcel>): void {
  while (parcels.peek()?.answered === true) parcels.shift();
}

/** Answers what the server confirms: one, or all up to one. */
function confirmed(
  unconfirmed: Map<number, Parcel>,
  { deliveryTag, multiple }: Confirm,
  answer: (parcel: Parcel) => void,
): void {
  if (!multiple) {
    const parcel = unconfirmed.get(deliveryTag);
    unconfirmed.delete(deliveryTag);
    if (parcel) answer(parcel);
    parcel?.release();
    return;
  }
  for (const [number, parcel] of unconfirmed) {
    if (number > deliveryTag) return;
    unconfirmed.delete(number);
    answer(parcel);
    parcel.release();
  }
}

function accept(parcel: Parcel): void {
  if (!parcel.returned) {
    parcel.resolve();
    return;
  }
  parcel.reject(unroutable(parcel.topic, parcel.exchange, parcel.routingKey));
}

function refuse(parcel: Parcel): void {
  const reason = "the server refused it, as a queue is full or could not take it";
  parcel.reject(new PublishFailedError({ topic: parcel.topic, reason, retryable: true }));
}

/** n.b. the server returns a message before it confirms it. */
function markReturned(unconfirmed: Map<number, Parcel>, message: ReturnedMessage): void {
  for (const parcel of unconfirmed.values()) {
    if (!parcel.matches(message)) continue;
    parcel.returned = true;
    return;
  }
}
