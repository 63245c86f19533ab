import { sleep } from "../../../traits/clock.ts";
import { deferred } from "../../../traits/deferred.ts";
import { within } from "../../shared/within.ts";
import {
  type ClientChannel,
  type ClientMessage,
  type ConnectionSettings,
  closeChannel,
  type OpenConnection,
} from "../client.ts";
import { AmqpMessage, type MessageContext } from "../message/message.ts";
import type { SubscriptionSettings } from "../options/subscription.ts";
import type { DelayQueues } from "../topology/delay-queues.ts";
import { bindQueue, declareExchange, declareExclusiveQueue, declareQueue } from "../topology/topology.ts";
import { UnackedDeliveries } from "./unacked-deliveries.ts";

/** What a consumer is given by its subscriber. */
export interface ConsumerContext {
  readonly subscription: SubscriptionSettings;
  readonly settings: ConnectionSettings;
  readonly delays: DelayQueues | undefined;
  readonly messages: MessageContext;
  delivered(message: AmqpMessage): void;
}

/** How long a restarted server may take to drop the consumers it had, and how often it is asked. */
const previousConsumer = { patienceMs: 1_000, everyMs: 50 } as const;

/**
 * One consumer on one channel, which is as long as its delivery tags are valid. It ends with its channel, its connection,
 * its queue or its subscriber. Every delivery that is unacked then is revoked.
 */
export class Consumer {
  /** Resolves with the cause when the consumer has ended. Never rejects. */
  readonly ended: Promise<unknown>;
  readonly #channel: ClientChannel;
  readonly #unacked: UnackedDeliveries;
  readonly #context: ConsumerContext;
  readonly #resolveEnded: (cause: unknown) => void;
  /** What the server calls the consumer, once it has it. */
  #tag: string | undefined;
  /** Why the server closed the channel. */
  #fault: unknown;
  #open = true;

  private constructor(channel: ClientChannel, context: ConsumerContext) {
    const { promise, resolve } = deferred<unknown>();
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#channel = channel;
    this.#context = context;
    this.#unacked = new UnackedDeliveries(channel, context.settings.clock);
    channel.on("error", (error) => {
      this.#fault ??= error;
    });
    channel.on("close", () => {
      const who = this.#fault === undefined ? "its connection was lost" : "the server closed its channel";
      this.#finish(who, this.#fault);
    });
  }

  /**
   * Declares what the subscription needs, and consumes. `again`: there was a consumer before, on a connection that was
   * revoked. If the server refuses, closes the channel and rejects.
   */
  static async open(connection: OpenConnection, context: ConsumerContext, again: boolean): Promise<Consumer> {
    const channel = await connection.client.createChannel();
    const consumer = new Consumer(channel, context);
    try {
      await consumer.#consume(connection, again);
      return consumer;
    } catch (error) {
      await consumer.close("it could not be opened");
      throw error;
    }
  }

  /** Sends the acks, then closes the channel, and the server requeues the rest. Never rejects. */
  async close(reason: string): Promise<void> {
    if (!this.#open) return;
    this.#unacked.flush();
    this.#finish(reason, undefined);
    const { clock, closeTimeoutMs } = this.#context.settings;
    await within(clock, closeTimeoutMs, this.#cancelAndClose());
  }

  /**
   * A channel of the server passes at most 32 unconfirmed acks to a quorum queue, and forgets the others when it is
   * closed. The queue has confirmed them once it has canceled a consumer and answered one more call.
   */
  async #cancelAndClose(): Promise<void> {
    if (this.#tag !== undefined) {
      const { queue, create, capabilities } = this.#context.subscription;
      if (queue !== undefined && create?.singleActiveConsumer === true) await this.#awaitAcks(queue);
      else {
        await this.#channel.cancel(this.#tag);
        await this.#channel.prefetch(capabilities.maxInFlight);
      }
    }
    await closeChannel(this.#channel);
  }

  /**
   * For a queue with a single active consumer. The server activates the next consumer as soon as this one is canceled,
   * before it requeues this one's deliveries, so the next one would get later messages first. So this consumer stays until
   * its channel is closed; a second one, which is never active, is canceled instead.
   */
  async #awaitAcks(queue: string): Promise<void> {
    const { consumerTag } = await this.#channel.consume(queue, () => {}, {});
    await this.#channel.cancel(consumerTag);
  }

  async #consume(connection: OpenConnection, again: boolean): Promise<void> {
    const { subscription, delays } = this.#context;
    const channel = this.#channel;
    for (const exchange of subscription.exchanges) await declareExchange(channel, exchange);
    const queue = subscription.queue ?? (await declareExclusiveQueue(channel));
    if (subscription.create !== undefined)
      await declareQueue(channel, queue, subscription.type, subscription.create, connection.server);
    for (const binding of subscription.bindings) await bindQueue(channel, queue, binding);
    await delays?.declare(channel, connection.server);
    await channel.prefetch(subscription.capabilities.maxInFlight);
    if (again && subscription.queue !== undefined) await this.#awaitPreviousConsumer(queue);
    const { consumerTag } = await channel.consume(
      queue,
      (message) => this.#deliver(message),
      subscription.consumer,
    );
    this.#tag = consumerTag;
  }

  /**
   * A quorum queue that restarts with its server still has its old consumer, and that one's deliveries, for a moment; a
   * new consumer would get later messages first. The wait is short, because other consumers may be there to stay.
   */
  async #awaitPreviousConsumer(queue: string): Promise<void> {
    const { clock } = this.#context.settings;
    const end = clock.now() + previousConsumer.patienceMs;
    while ((await this.#channel.checkQueue(queue)).consumerCount > 0 && clock.now() < end)
      await sleep(clock, previousConsumer.everyMs);
  }

  #deliver(from: ClientMessage | null): void {
    if (from === null) {
      this.#cancelled();
      return;
    }
    const message = new AmqpMessage(from, this.#unacked, this.#context.messages);
    if (!this.#open) return;
    this.#unacked.deliver(from.fields.deliveryTag, message);
    this.#context.delivered(message);
  }

  /** The channel outlives its consumer. When it is closed, the server requeues what is unacked. */
  #cancelled(): void {
    const reason = "the server cancelled its consumer, as when its queue is deleted or moved";
    this.#finish(reason, new Error(reason));
    closeChannel(this.#channel).catch(() => {});
  }

  #finish(reason: string, cause: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unacked.end(reason, cause);
    this.#resolveEnded(cause);
  }
}
