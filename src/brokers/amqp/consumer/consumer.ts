import { sleep } from "../../../traits/clock.ts";
import { deferred } from "../../../traits/deferred.ts";
import { within } from "../../shared/within.ts";
import { type ClientChannel, type ClientMessage, closeChannel } from "../client.ts";
import type { Session } from "../connection/socket-connection.ts";
import { AmqpMessage, type MessagePlace } from "../message/message.ts";
import type { Settings } from "../options.ts";
import type { DelayQueues } from "../topology/delay-queues.ts";
import { bindQueue, declareExchange, declareExclusiveQueue, declareQueue } from "../topology/topology.ts";
import type { Plan } from "./options.ts";
import { Settlements } from "./unacked-deliveries.ts";

/** What a consumption needs of its subscriber. */
export interface ConsumptionOwner {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly delays: DelayQueues | undefined;
  readonly place: MessagePlace;
  delivered(message: AmqpMessage): void;
}

/** How long a server that is back may take to let go of the consumers it had, and how often it is asked. */
const predecessor = { patienceMs: 1_000, everyMs: 50 } as const;

/**
 * One consumer on one channel: the time in which delivery tags mean something. It ends with its channel, its session,
 * its queue or its subscriber, and every delivery it made that is not settled is lost then.
 */
export class Consumption {
  /** Resolves when it is over, with why. Never rejects. */
  readonly over: Promise<unknown>;
  readonly #channel: ClientChannel;
  readonly #settlements: Settlements;
  readonly #owner: ConsumptionOwner;
  readonly #end: (cause: unknown) => void;
  /** What the server calls the consumer, once it has it. */
  #tag: string | undefined;
  /** Why the server closed the channel. */
  #fault: unknown;
  #open = true;

  private constructor(channel: ClientChannel, owner: ConsumptionOwner) {
    const { promise, resolve } = deferred<unknown>();
    this.over = promise;
    this.#end = resolve;
    this.#channel = channel;
    this.#owner = owner;
    this.#settlements = new Settlements(channel, owner.settings.clock);
    channel.on("error", (error) => {
      this.#fault ??= error;
    });
    channel.on("close", () => {
      const who = this.#fault === undefined ? "its connection was lost" : "the server closed its channel";
      this.#finish(who, this.#fault);
    });
  }

  /**
   * Declares what the plan says, and consumes. `again`: there was one before, on a connection that was lost. Rejects as
   * the server refuses it, with the channel closed.
   */
  static async open(session: Session, owner: ConsumptionOwner, again: boolean): Promise<Consumption> {
    const channel = await session.client.createChannel();
    const consumption = new Consumption(channel, owner);
    try {
      await consumption.#consume(session, again);
      return consumption;
    } catch (error) {
      await consumption.close("it could not be opened");
      throw error;
    }
  }

  /** Sends what was settled, then lets go of the rest, which goes back to the queue. Never rejects. */
  async close(reason: string): Promise<void> {
    if (!this.#open) return;
    this.#settlements.flush();
    this.#finish(reason, undefined);
    const { clock, closeTimeoutMs } = this.#owner.settings;
    await within(clock, closeTimeoutMs, this.#leave());
  }

  /**
   * n.b. a channel of the server hands on to a quorum queue no more than 32 acks of which it has not heard, and forgets
   * the others when it is closed. Hearing of them takes it as long as a consumer takes to go, and one call more.
   */
  async #leave(): Promise<void> {
    if (this.#tag !== undefined) {
      const { queue, create, capabilities } = this.#owner.plan;
      if (queue !== undefined && create?.singleActiveConsumer === true) await this.#awaitAcks(queue);
      else {
        await this.#channel.cancel(this.#tag);
        await this.#channel.prefetch(capabilities.maxInFlight);
      }
    }
    await closeChannel(this.#channel);
  }

  /**
   * Of a queue with a single active consumer. n.b. the server lets the next one begin as soon as this one is cancelled,
   * before what it holds goes back: that one would be given later messages first. So it stays until its channel is
   * closed, and one that comes behind it, and is given nothing, goes in its place.
   */
  async #awaitAcks(queue: string): Promise<void> {
    const { consumerTag } = await this.#channel.consume(queue, () => {}, {});
    await this.#channel.cancel(consumerTag);
  }

  async #consume(session: Session, again: boolean): Promise<void> {
    const { plan, delays } = this.#owner;
    const channel = this.#channel;
    for (const exchange of plan.exchanges) await declareExchange(channel, exchange);
    const queue = plan.queue ?? (await declareExclusiveQueue(channel));
    if (plan.create !== undefined) await declareQueue(channel, queue, plan.type, plan.create, session.server);
    for (const binding of plan.bindings) await bindQueue(channel, queue, binding);
    await delays?.declare(channel, session.server);
    await channel.prefetch(plan.capabilities.maxInFlight);
    if (again && plan.queue !== undefined) await this.#awaitPredecessor(queue);
    const { consumerTag } = await channel.consume(queue, (message) => this.#take(message), plan.consumer);
    this.#tag = consumerTag;
  }

  /**
   * n.b. a quorum queue that comes back with its server still has the consumer it had, and what that one held, for a
   * moment; who begins in it is given later messages first. Others may consume from it by right: so not for long.
   */
  async #awaitPredecessor(queue: string): Promise<void> {
    const { clock } = this.#owner.settings;
    const end = clock.now() + predecessor.patienceMs;
    while ((await this.#channel.checkQueue(queue)).consumerCount > 0 && clock.now() < end)
      await sleep(clock, predecessor.everyMs);
  }

  #take(from: ClientMessage | null): void {
    if (from === null) {
      this.#cancelled();
      return;
    }
    const message = new AmqpMessage(from, this.#settlements, this.#owner.place);
    if (!this.#open) return;
    this.#settlements.deliver(from.fields.deliveryTag, message);
    this.#owner.delivered(message);
  }

  /** n.b. the channel lives on without its consumer; closing it gives back what is unsettled. */
  #cancelled(): void {
    const reason = "the server cancelled its consumer, as when its queue is deleted or moved";
    this.#finish(reason, new Error(reason));
    closeChannel(this.#channel).catch(() => {});
  }

  #finish(reason: string, cause: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#settlements.end(reason, cause);
    this.#end(cause);
  }
}
