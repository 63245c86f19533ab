import { randomUUID } from "node:crypto";
import { pipeline } from "../runtime/pipeline.ts";
import type { Run } from "../runtime/run.ts";
import type { Clock } from "../traits/clock.ts";
import { type Deferred, deferred } from "../traits/deferred.ts";
import { AbortedError, ConnectionClosedError, TimeoutError, throwIfAborted } from "../traits/errors.ts";
import { headerNames, MessageHeaders } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage, Publisher, RequestOptions } from "../traits/publisher.ts";
import type { Subscriber } from "../traits/subscriber.ts";

/**
 * Requests over a broker that has none of its own: one subscription to one reply topic for all of them, told apart by
 * correlation ids. Each id is used once, so a late or a second reply finds nobody and is acked all the same.
 */
export class ReplyInbox {
  readonly #topic: string;
  readonly #broker: string;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #run: Run;
  /** Resolves when its subscription is over, for whatever reason: no reply comes after that. */
  readonly ended: Promise<void>;
  /** Why no reply can come any more, once its subscription is over. */
  #failure: unknown;
  /** By correlation id. */
  readonly #waiting = new Map<string, Deferred<Message>>();
  /** Other instances of the app read the same topic. */
  readonly #instance = randomUUID();
  #count = 0;

  constructor(facts: {
    topic: string;
    broker: string;
    publisher: Publisher;
    clock: Clock;
    subscriber: Subscriber;
  }) {
    this.#topic = facts.topic;
    this.#broker = facts.broker;
    this.#publisher = facts.publisher;
    this.#clock = facts.clock;
    this.#run = pipeline(facts.subscriber)
      .workers(64)
      .handle((message) => {
        this.#waiting.get(message.headers.get(headerNames.correlationId) ?? "")?.resolve(message);
      });
    this.ended = this.#run.done.then(
      () => this.#end(new ConnectionClosedError({ broker: this.#broker, during: "A request" })),
      (error: unknown) => this.#end(error),
    );
  }

  async request(message: OutgoingMessage, { timeoutMs, signal }: RequestOptions): Promise<Message> {
    const what = `A request to "${message.topic}"`;
    throwIfAborted(signal, what);
    if (this.#failure !== undefined) throw this.#failure;
    this.#count += 1;
    const id = `${this.#instance}.${this.#count}`;
    const reply = deferred<Message>();
    reply.promise.catch(() => undefined);
    this.#waiting.set(id, reply);
    const timer = this.#clock.schedule(timeoutMs, () => reply.reject(new TimeoutError({ what, timeoutMs })));
    const onAbort = (): void => reply.reject(new AbortedError({ what, cause: signal?.reason }));
    signal?.addEventListener("abort", onAbort, { once: true });
    const headers = MessageHeaders.from(message.headers)
      .with(headerNames.replyTo, this.#topic)
      .with(headerNames.correlationId, id);
    try {
      // A reply may come before the publish is confirmed, and a time out may end the wait for either.
      const published = this.#publisher.publish({ ...message, headers }, signal ? { signal } : {});
      await Promise.race([published, reply.promise]);
      return await reply.promise;
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  /** Ends the subscription; who still waits is told. */
  async close(): Promise<void> {
    await this.#run.stop().catch(() => undefined);
  }

  #end(failure: unknown): void {
    this.#failure = failure;
    for (const reply of this.#waiting.values()) reply.reject(failure);
  }
}
