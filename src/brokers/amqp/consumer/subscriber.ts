import { Outlet } from "../../../structures/outlet.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { type Clock, sleep } from "../../../traits/clock.ts";
import { type ConnectFailedError, isTidelaneError, SubscriptionFailedError } from "../../../traits/errors.ts";
import type { BatchOptions, BatchSubscriber, SubscriberIterator } from "../../../traits/subscriber.ts";
import { Backoff } from "../../shared/backoff.ts";
import { Batches } from "../../shared/batches.ts";
import { reportError } from "../../shared/error-report.ts";
import type { Link, Rider } from "../connection/reconnecting-connection.ts";
import { channelFault, isProtocolFault, scrub, subscriptionFailure } from "../errors.ts";
import type { AmqpMessage } from "../message/message.ts";
import { Consumption, type ConsumptionOwner } from "./consumer.ts";
import { checkDeadLetter } from "./dead-letter-check.ts";
import { Inbox } from "./inbox.ts";
import type { Plan } from "./options.ts";

/** A consumer of a queue, over all reconnects. */
export class AmqpSubscriber implements BatchSubscriber<AmqpMessage> {
  /** The queue; of one the server has named, what it is bound by. */
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly #link: Link;
  readonly #outlet: Outlet<AmqpMessage>;
  readonly #owner: ConsumptionOwner;
  readonly #rider: Rider = { end: (failure) => this.#endWithLink(failure) };
  readonly #inbox = new Inbox();
  readonly #closing = new AbortController();
  #consumption: Consumption | undefined;
  #ending: Promise<void> | undefined;

  private constructor(link: Link, plan: Plan, owner: Omit<ConsumptionOwner, "delivered">) {
    this.topic = plan.topic;
    this.capabilities = plan.capabilities;
    this.clock = link.settings.clock;
    this.#link = link;
    this.#outlet = new Outlet<AmqpMessage>(plan.topic, { take: (max) => this.#inbox.take(max) });
    this.#owner = {
      ...owner,
      delivered: (message) => {
        this.#inbox.push(message);
        this.#outlet.serve();
      },
    };
  }

  /**
   * @internal Resolves when the server has its consumer. Rejects with `SubscriptionFailedError` where it refuses one.
   */
  static async open(
    link: Link,
    plan: Plan,
    owner: Omit<ConsumptionOwner, "delivered">,
  ): Promise<AmqpSubscriber> {
    const subscriber = new AmqpSubscriber(link, plan, owner);
    link.join(subscriber.#rider);
    try {
      const first = await subscriber.#begin(true);
      void subscriber.#live(first);
      void checkDeadLetter(link, plan, subscriber.#closing.signal);
      return subscriber;
    } catch (error) {
      link.leave(subscriber.#rider);
      throw error;
    }
  }

  [Symbol.asyncIterator](): SubscriberIterator<AmqpMessage> {
    return this.#outlet.iterate();
  }

  batches(options: BatchOptions): AsyncIterable<AmqpMessage[]> {
    const supply = {
      iterate: () => this.#outlet.iterate(),
      giveBack: (messages: readonly AmqpMessage[]) => this.#inbox.giveBack(messages),
      isLive: (message: AmqpMessage) => message.lost === undefined,
    };
    return new Batches(supply, this.#link.settings.clock, options);
  }

  /** n.b. the link waits for this when it is shut down meanwhile: its goodbye would overtake what is sent here. */
  async close(): Promise<void> {
    await this.#end("its subscriber was closed", undefined);
    this.#link.leave(this.#rider);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** From one consumption to the next, until the end. */
  async #live(first: Consumption): Promise<void> {
    const { signal } = this.#closing;
    for (let current = first; ; ) {
      const cause = await current.over;
      this.#inbox.clear();
      if (signal.aborted) return;
      if (cause !== undefined) this.#report(cause);
      try {
        current = await this.#begin(false);
      } catch (error) {
        if (signal.aborted || isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) return;
        this.#link.leave(this.#rider);
        const failure = subscriptionFailure(this.topic, error, this.#link.settings.secrets);
        return this.#end("its subscription ended", failure);
      }
    }
  }

  /**
   * A consumption on the session there is, or will be. What refuses the `first` one is told at once; after that,
   * refusals that may pass are sat out.
   */
  async #begin(first: boolean): Promise<Consumption> {
    const { clock, reconnect, secrets } = this.#link.settings;
    const { signal } = this.#closing;
    const backoff = new Backoff(reconnect);
    for (let brought = 0; ; ) {
      if (!first) await sleep(clock, backoff.next(), signal);
      const session = await this.#link.whenUp("subscribe()");
      try {
        const consumption = await Consumption.open(session, this.#owner, !first);
        if (signal.aborted) return await this.#abandon(consumption);
        this.#consumption = consumption;
        return consumption;
      } catch (error) {
        if (signal.aborted) throw this.#link.closedError("subscribe()");
        // n.b. a declaration the server cannot read ends the whole connection. Once may have been somebody else's.
        if (session.over && isProtocolFault(session.fault)) brought += 1;
        const cause = session.over ? session.fault : error;
        const final = session.over ? brought > 1 : first || channelFault(error).final;
        if (final) throw first ? subscriptionFailure(this.topic, cause, secrets) : cause;
        if (!session.over) this.#report(error);
      }
    }
  }

  async #abandon(consumption: Consumption): Promise<never> {
    await consumption.close("its subscriber was closed");
    throw this.#link.closedError("subscribe()");
  }

  #endWithLink(failure: ConnectFailedError | undefined): Promise<void> {
    if (failure === undefined) return this.#end("its connection was shut down", undefined);
    const reason = "its connection was lost and could not be restored";
    return this.#end(reason, new SubscriptionFailedError({ topic: this.topic, reason, cause: failure }));
  }

  #end(reason: string, failure: SubscriptionFailedError | undefined): Promise<void> {
    this.#ending ??= this.#finish(reason, failure);
    return this.#ending;
  }

  async #finish(reason: string, failure: SubscriptionFailedError | undefined): Promise<void> {
    this.#closing.abort();
    this.#inbox.clear();
    this.#outlet.end(failure && { error: failure });
    await this.#consumption?.close(reason);
  }

  #report(error: unknown): void {
    reportError({ topic: this.topic, error: scrub(error, this.#link.settings.secrets) });
  }
}
