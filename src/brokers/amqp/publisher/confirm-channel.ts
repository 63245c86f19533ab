import { Fifo } from "../../../structures/fifo.ts";
import { InvalidMessageError, PublishFailedError, TimeoutError } from "../../../traits/errors.ts";
import { Alarm } from "../../shared/alarm.ts";
import type {
  ClientConfirmChannel,
  ClientMessage,
  Confirm,
  ConnectionListener,
  OpenConnection,
  ReturnedMessage,
  ServerConnection,
} from "../client.ts";
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
 * The client says at 16 KiB that its buffer is full, and each write to the socket takes what is in that buffer. Small
 * writes cost 2 µs for each message of 512 B.
 */
const mostOverfull = 256 * 1024;

/**
 * Publishes on a confirm channel of its own, over all reconnects, in the order of the calls. When a channel ends, its
 * unconfirmed publishes reject, because nobody knows what became of them; what was not sent yet goes to the next channel.
 */
export class ConfirmChannel implements ConnectionListener {
  readonly #connection: ServerConnection;
  /** To be sent, oldest first; some of it may be answered already. */
  readonly #waiting = new Fifo<PendingPublish>();
  /** Everything that may still run into its time limit, soonest first. */
  readonly #limited = new Fifo<PendingPublish>();
  readonly #alarm: Alarm;
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

  constructor(connection: ServerConnection) {
    this.#connection = connection;
    this.#alarm = new Alarm(connection.settings.clock, () => this.#expire());
    connection.add(this);
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

  connectionRestored(): void {
    this.#pump();
  }

  connectionUnblocked(): void {
    this.#pump();
  }

  connectionEnded(): void {
    this.#alarm.cancel();
    for (const publish of [...this.#unconfirmed.values(), ...this.#waiting]) {
      publish.reject(this.#connection.closedError(publish.what));
    }
    this.#unconfirmed.clear();
    this.#waiting.clear();
    this.#limited.clear();
  }

  #pump(): void {
    const opened = this.#connection.current;
    if (opened === undefined || opened.blocked !== undefined) return;
    dropAnswered(this.#waiting);
    if (this.#waiting.size === 0) return;
    if (this.#channel === undefined) {
      if (!this.#opening) void this.#open(opened);
      return;
    }
    while (this.#overfull <= mostOverfull && this.#channel !== undefined) {
      const publish = this.#waiting.shift();
      if (publish === undefined) return;
      const content = publish.take();
      if (content === undefined) continue;
      this.#publish(this.#channel, publish, content);
      opened.writes.gather();
    }
  }

  async #open(opened: OpenConnection): Promise<void> {
    this.#opening = true;
    try {
      const channel = await opened.client.createConfirmChannel();
      const life = this.#attach(opened, channel);
      if (this.#listener !== undefined) await consumeReplies(channel, this.#listener);
      if (!life.over) this.#channel = channel;
    } catch (error) {
      // If the connection is lost, the next one calls `connectionRestored`.
      if (!opened.over) {
        // A server that refuses a reply address must not refuse every publish after this one too.
        this.#listener = undefined;
        this.#refuseAll(error);
      }
    } finally {
      this.#opening = false;
    }
    this.#pump();
  }

  #attach(opened: OpenConnection, channel: ClientConfirmChannel): { readonly over: boolean } {
    const life = { over: opened.over };
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
      if (!opened.over) this.#pump();
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

  /** A message for which the client throws was not sent, and has no number. */
  #unsent({ topic }: PendingPublish, cause: unknown): Error {
    if (!(cause instanceof Error) || cause.name === "IllegalOperationError") {
      return publishFailure(topic, cause, this.#connection.settings.secrets);
    }
    return new InvalidMessageError({
      topic,
      reason: `the client cannot encode it (${cause.message})`,
      cause,
    });
  }

  /** The server does not say which message it closed a channel for. */
  #lost(publish: PendingPublish, fault: unknown, alone: boolean): PublishFailedError {
    const { topic } = publish;
    if (fault === undefined) {
      return new PublishFailedError({
        topic,
        reason: "the connection was lost before the server confirmed it",
        retryable: true,
      });
    }
    const failure = publishFailure(topic, fault, this.#connection.settings.secrets);
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
      publish.reject(publishFailure(publish.topic, error, this.#connection.settings.secrets));
    }
  }

  #limit(publish: PendingPublish): void {
    const { publishTimeoutMs, clock } = this.#connection.settings;
    if (publishTimeoutMs === Number.POSITIVE_INFINITY) return;
    dropAnswered(this.#limited);
    publish.dueAt = clock.now() + publishTimeoutMs;
    this.#limited.push(publish);
    this.#alarm.at(publish.dueAt);
  }

  #expire(): void {
    const { publishTimeoutMs: timeoutMs, clock } = this.#connection.settings;
    for (let publish = this.#limited.peek(); publish !== undefined; publish = this.#limited.peek()) {
      if (!publish.over && publish.dueAt > clock.now()) {
        this.#alarm.at(publish.dueAt);
        return;
      }
      this.#limited.shift();
      const what = `${publish.what} to ${JSON.stringify(publish.topic)}${this.#whyUnconfirmed()}`;
      publish.reject(new TimeoutError({ what, timeoutMs }));
    }
  }

  /** What keeps publishes from being answered. */
  #whyUnconfirmed(): string {
    const { current } = this.#connection;
    if (current === undefined) return " (the connection is lost)";
    return current.blocked === undefined ? "" : ` (the server blocks publishers: ${current.blocked})`;
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
  while (publishes.peek()?.over === true) publishes.shift();
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

/** The server returns a message before it confirms it. */
function markReturned(unconfirmed: Map<number, PendingPublish>, message: ReturnedMessage): void {
  for (const publish of unconfirmed.values()) {
    if (!publish.matches(message)) continue;
    publish.returned = true;
    return;
  }
}
