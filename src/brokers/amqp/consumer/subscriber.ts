import { Outlet } from "../../../structures/outlet.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { type Clock, sleep } from "../../../traits/clock.ts";
import { type ConnectFailedError, isTidelaneError, SubscriptionFailedError } from "../../../traits/errors.ts";
import type { BatchOptions, BatchSubscriber, SubscriberIterator } from "../../../traits/subscriber.ts";
import { Backoff } from "../../shared/backoff.ts";
import { Batches } from "../../shared/batches.ts";
import { DeliveryQueue } from "../../shared/delivery-queue.ts";
import { reportError } from "../../shared/error-report.ts";
import type { ConnectionListener, ServerConnection } from "../client.ts";
import { channelFault, isProtocolFault, scrub, subscriptionFailure } from "../errors.ts";
import type { AmqpMessage } from "../message/message.ts";
import type { SubscriptionSettings } from "../options/subscription.ts";
import { Consumer, type ConsumerContext } from "./consumer.ts";
import { checkDeadLetter } from "./dead-letter-check.ts";

/** A consumer of a queue. After a reconnect it consumes again. */
export class AmqpSubscriber implements BatchSubscriber<AmqpMessage> {
  /** The name of the queue; for an exclusive queue, the topic that it is bound with. */
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly #connection: ServerConnection;
  readonly #outlet: Outlet<AmqpMessage>;
  readonly #context: ConsumerContext;
  readonly #listener: ConnectionListener = { connectionEnded: (failure) => this.#endWithConnection(failure) };
  /** What nobody has taken yet. The prefetch of the channel bounds it. */
  readonly #waiting = new DeliveryQueue<AmqpMessage>();
  readonly #closing = new AbortController();
  #consumer: Consumer | undefined;
  #ending: Promise<void> | undefined;

  private constructor(
    connection: ServerConnection,
    subscription: SubscriptionSettings,
    context: Omit<ConsumerContext, "delivered">,
  ) {
    this.topic = subscription.topic;
    this.capabilities = subscription.capabilities;
    this.clock = connection.settings.clock;
    this.#connection = connection;
    this.#outlet = new Outlet<AmqpMessage>(subscription.topic, {
      take: (max) => this.#waiting.take(max, isLive),
    });
    this.#context = {
      ...context,
      delivered: (message) => {
        this.#waiting.push(message);
        this.#outlet.serve();
      },
    };
  }

  /**
   * @internal Resolves when the server has its consumer. Rejects with `SubscriptionFailedError` where it refuses one.
   */
  static async open(
    connection: ServerConnection,
    subscription: SubscriptionSettings,
    context: Omit<ConsumerContext, "delivered">,
  ): Promise<AmqpSubscriber> {
    const subscriber = new AmqpSubscriber(connection, subscription, context);
    connection.add(subscriber.#listener);
    try {
      const first = await subscriber.#openConsumer(true);
      void subscriber.#keepConsuming(first);
      void checkDeadLetter(connection, subscription, subscriber.#closing.signal);
      return subscriber;
    } catch (error) {
      connection.delete(subscriber.#listener);
      throw error;
    }
  }

  [Symbol.asyncIterator](): SubscriberIterator<AmqpMessage> {
    return this.#outlet.iterate();
  }

  batches(options: BatchOptions): AsyncIterable<AmqpMessage[]> {
    const supply = {
      iterate: () => this.#outlet.iterate(),
      giveBack: (messages: readonly AmqpMessage[]) => this.#waiting.giveBack(messages),
      isLive,
    };
    return new Batches(supply, this.#connection.settings.clock, options);
  }

  /**
   * Closes the subscription. If its connection closes too, the connection waits for it, because acks cannot be sent
   * later.
   */
  async close(): Promise<void> {
    await this.#end("its subscriber was closed", undefined);
    this.#connection.delete(this.#listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Opens the next consumer when one has ended, until the subscription ends. */
  async #keepConsuming(first: Consumer): Promise<void> {
    const { signal } = this.#closing;
    for (let current = first; ; ) {
      const cause = await current.ended;
      this.#waiting.clear();
      if (signal.aborted) return;
      if (cause !== undefined) this.#report(cause);
      try {
        current = await this.#openConsumer(false);
      } catch (error) {
        if (signal.aborted || isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) return;
        this.#connection.delete(this.#listener);
        const failure = subscriptionFailure(this.topic, error, this.#connection.settings.secrets);
        return this.#end("its subscription ended", failure);
      }
    }
  }

  /**
   * A consumer on the open connection, or on the next one. A refusal of the `first` consumer rejects at once; after that,
   * refusals that may pass are retried.
   */
  async #openConsumer(first: boolean): Promise<Consumer> {
    const { clock, reconnect, secrets } = this.#connection.settings;
    const { signal } = this.#closing;
    const backoff = new Backoff(reconnect);
    for (let protocolFaults = 0; ; ) {
      if (!first) await sleep(clock, backoff.next(), signal);
      const opened = await this.#connection.whenOpen("subscribe()");
      try {
        const consumer = await Consumer.open(opened, this.#context, !first);
        if (signal.aborted) return await this.#abandon(consumer);
        this.#consumer = consumer;
        return consumer;
      } catch (error) {
        if (signal.aborted) throw this.#connection.closedError("subscribe()");
        // The server closes the whole connection for a declaration it cannot read. The first time it may have been another's.
        if (opened.over && isProtocolFault(opened.fault)) protocolFaults += 1;
        const cause = opened.over ? opened.fault : error;
        const final = opened.over ? protocolFaults > 1 : first || channelFault(error).final;
        if (final) throw first ? subscriptionFailure(this.topic, cause, secrets) : cause;
        if (!opened.over) this.#report(error);
      }
    }
  }

  async #abandon(consumer: Consumer): Promise<never> {
    await consumer.close("its subscriber was closed");
    throw this.#connection.closedError("subscribe()");
  }

  #endWithConnection(failure: ConnectFailedError | undefined): Promise<void> {
    if (failure === undefined) return this.#end("its connection was closed", undefined);
    const reason = "its connection was lost and could not be restored";
    return this.#end(reason, new SubscriptionFailedError({ topic: this.topic, reason, cause: failure }));
  }

  #end(reason: string, failure: SubscriptionFailedError | undefined): Promise<void> {
    this.#ending ??= this.#finish(reason, failure);
    return this.#ending;
  }

  async #finish(reason: string, failure: SubscriptionFailedError | undefined): Promise<void> {
    this.#closing.abort();
    this.#waiting.clear();
    this.#outlet.end(failure && { error: failure });
    await this.#consumer?.close(reason);
  }

  #report(error: unknown): void {
    reportError({ topic: this.topic, error: scrub(error, this.#connection.settings.secrets) });
  }
}

/** A revoked delivery is not handed out, because the server delivers it again. */
function isLive(message: AmqpMessage): boolean {
  return message.revoked === undefined;
}
