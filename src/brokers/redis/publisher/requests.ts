import { sleep } from "../../../traits/clock.ts";
import { TimeoutError } from "../../../traits/errors.ts";
import { Backoff } from "../../shared/backoff.ts";
import { type CallAnswer, PendingCall } from "../../shared/pending-call.ts";
import { PendingCalls, type TimedCall } from "../../shared/pending-calls.ts";
import type { Argument, BlockingCalls, ConnectionListener, ServerConnection } from "../client.ts";
import { entriesOf, readFields, type StreamEntry, textOf } from "../message/fields.ts";
import { RedisReply } from "../message/message.ts";
import { newReplyStream, replyTopic, requestField } from "../message/reply-topic.ts";
import type { SendQueue } from "./send-queue.ts";

/** How long the server keeps the stream of replies of a process that died. */
const keptMs = 600_000;

/** How long a request waits, and where its reply goes. */
export interface AwaitedReply extends CallAnswer<RedisReply> {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The requests of one connection. Replies come into one stream, which is read while a request waits. Each request has a
 * number that is used once, so that a late reply finds nobody.
 */
export class Requests implements ConnectionListener {
  readonly #connection: ServerConnection;
  readonly #queue: SendQueue;
  readonly #stream: string = newReplyStream();
  readonly #waiting: PendingCalls<string, PendingRequest>;
  readonly #closing = new AbortController();
  readonly #reads: BlockingCalls;
  #count = 0;
  /** The id of the last reply that was read. */
  #last = "0-0";
  /** When the server was last told to keep the stream. */
  #keptAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(connection: ServerConnection, queue: SendQueue) {
    this.#connection = connection;
    this.#queue = queue;
    this.#waiting = new PendingCalls(connection.settings.clock);
    this.#reads = connection.blocking(this.#closing.signal);
    connection.add(this);
  }

  /** `write` gives the command that publishes the request with this `reply-to` header. */
  send(topic: string, write: (replyTo: string) => readonly Argument[], reply: AwaitedReply): void {
    this.#count += 1;
    const id = String(this.#count);
    const due = this.#connection.settings.clock.now() + reply.timeoutMs;
    const pending = new PendingRequest(topic, due, reply, () => this.#waiting.delete(id));
    const args = write(replyTopic(this.#stream, id));
    this.#keep();
    this.#waiting.add(id, pending);
    this.#queue.send({
      what: "request()",
      args,
      signal: reply.signal,
      answered: () => {},
      failed: (error) => pending.fail(error),
    });
    this.#read();
  }

  connectionRestored(): void {
    // The server may have lost it.
    this.#keptAt = Number.NEGATIVE_INFINITY;
    if (this.#waiting.size > 0) this.#keep();
  }

  async connectionEnded(): Promise<void> {
    for (const pending of this.#waiting) pending.reject(this.#connection.closedError("request()"));
    this.#closing.abort();
    this.#reads.destroy();
    await this.#reading;
    await this.#connection.usable?.call("DEL", this.#stream).catch(() => {});
  }

  /** Makes the stream of replies where it is missing: a responder does not make it, or nobody would ever delete it. */
  #keep(): void {
    const now = this.#connection.settings.clock.now();
    const { usable } = this.#connection;
    if (usable === undefined || now - this.#keptAt < keptMs / 4) return;
    this.#keptAt = now;
    for (const args of [
      ["XGROUP", "CREATE", this.#stream, "tidelane", "0-0", "MKSTREAM"],
      ["PEXPIRE", this.#stream, String(keptMs)],
    ]) {
      // The group is there already, or the connection is lost: then it is done again.
      usable.call(...args).catch(() => {});
    }
  }

  #read(): void {
    if (this.#reading !== undefined || this.#closing.signal.aborted) return;
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
      if (this.#waiting.size > 0) this.#read();
    });
  }

  /** Does not reject. */
  async #readAll(): Promise<void> {
    const { clock, reconnect, heartbeatMs } = this.#connection.settings;
    const backoff = new Backoff(reconnect);
    const waitMs = String(heartbeatMs > 0 ? Math.ceil(heartbeatMs) : 10_000);
    const { signal } = this.#closing;
    while (this.#waiting.size > 0 && !signal.aborted) {
      try {
        await this.#connection.whenOpen("request()");
        await this.#reads.open();
        const reply = await this.#reads.call("XREAD", "BLOCK", waitMs, "STREAMS", this.#stream, this.#last);
        this.#replied(entriesOf(reply));
        backoff.reset();
      } catch {
        // The requests that wait end by their time.
        await sleep(clock, backoff.next(), signal).catch(() => {});
      }
    }
  }

  #replied(entries: readonly StreamEntry[]): void {
    for (const { id, fields } of entries) {
      this.#last = id;
      const [name, request, ...content] = fields;
      if (textOf(name) === requestField) this.#waiting.get(textOf(request))?.answer(content);
    }
    if (entries.length === 0) return;
    const ids = entries.map(({ id }) => id);
    this.#connection.usable?.call("XDEL", this.#stream, ...ids).catch(() => {});
  }
}

/** One request from its call to its reply. The first answer counts. */
class PendingRequest extends PendingCall<RedisReply> implements TimedCall {
  readonly due: number;
  readonly #topic: string;
  readonly #timeoutMs: number;
  readonly #onOver: () => void;

  constructor(topic: string, due: number, reply: AwaitedReply, onOver: () => void) {
    super("request()", reply.signal, reply);
    this.due = due;
    this.#topic = topic;
    this.#timeoutMs = reply.timeoutMs;
    this.#onOver = onOver;
  }

  answer(fields: StreamEntry["fields"]): void {
    this.resolve(new RedisReply(this.#topic, readFields(fields)));
  }

  fail(error: unknown): void {
    this.reject(error);
  }

  expire(): void {
    const what = `The request to ${JSON.stringify(this.#topic)}`;
    this.reject(new TimeoutError({ what, timeoutMs: this.#timeoutMs }));
  }

  protected override onOver(): void {
    this.#onOver();
  }
}
