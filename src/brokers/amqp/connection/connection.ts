import type {
  Connection,
  ConnectionState,
  DescribeServer,
  ServerDescription,
  Subscribe,
} from "../../../traits/broker.ts";
import type { SubscriptionSource } from "../../../traits/source.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import {
  type AmqpExclusiveQueueOptions,
  type AmqpQueueOptions,
  type Plan,
  planExclusiveQueue,
  planQueue,
} from "../consumer/options.ts";
import { AmqpSubscriber } from "../consumer/subscriber.ts";
import { checkNames, refuse } from "../message/field-checks.ts";
import type { MessagePlace } from "../message/message.ts";
import { type AmqpPublisherOptions, checkPublisherOptions, publisherOptionNames } from "../options.ts";
import { ConfirmChannels } from "../publisher/confirm-channels.ts";
import { AmqpPublisher } from "../publisher/publisher.ts";
import { DelayQueues } from "../topology/delay-queues.ts";
import { showAddress } from "./address.ts";
import type { Link } from "./reconnecting-connection.ts";

/** A connection to RabbitMQ, over all its reconnects. */
export class AmqpConnection implements Connection, DescribeServer, Subscribe<AmqpSubscriber> {
  readonly #link: Link;
  readonly #confirmChannels: ConfirmChannels;

  /** @internal */
  constructor(link: Link) {
    this.#link = link;
    this.#confirmChannels = new ConfirmChannels(link);
  }

  get state(): ConnectionState {
    return this.#link.state;
  }

  /** Why the server takes no publishes now, as when it runs out of memory or disk; those wait. */
  get blocked(): string | undefined {
    return this.#link.session?.blocked;
  }

  /** The address it is, or was last, connected to. */
  describe(): ServerDescription {
    const { address, server } = this.#link.lastSession;
    const version = `${server.product} ${server.version}`.trim();
    return { protocol: address.protocol, address: showAddress(address), version };
  }

  /** What is left out is as `options.publish` of the broker has it. */
  publisher(options: AmqpPublisherOptions = {}): AmqpPublisher {
    checkNames("publisher(options)", "options", options, publisherOptionNames);
    const settings = checkPublisherOptions("options", options, this.#link.settings.publish);
    return new AmqpPublisher(this.#link, this.#confirmChannels, settings);
  }

  /** By the name of a queue, or by a source, whose own subscriber is the result. */
  subscribe(queue: string, options?: AmqpQueueOptions): Promise<AmqpSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<AmqpConnection, S>): Promise<S>;
  async subscribe(
    target: string | SubscriptionSource<AmqpConnection>,
    options?: AmqpQueueOptions,
  ): Promise<Subscriber> {
    this.#link.check("subscribe()");
    if (typeof target === "object" && target !== null) {
      if (options === undefined) return target.open(this);
      refuse("subscribe(source, options)", "called without options, as the source holds its own", options);
    }
    return this.#open(planQueue("subscribe", target, options ?? {}));
  }

  /** By a queue of this connection alone, bound to an exchange. What comes while the connection is lost is not in it. */
  async subscribeExclusive(topic: string, options: AmqpExclusiveQueueOptions): Promise<AmqpSubscriber> {
    this.#link.check("subscribeExclusive()");
    return this.#open(planExclusiveQueue("subscribeExclusive", topic, options));
  }

  shutdown(): Promise<void> {
    return this.#link.shutdown();
  }

  close(): Promise<void> {
    return this.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #open(plan: Plan): Promise<AmqpSubscriber> {
    const { settings } = this.#link;
    const delays =
      plan.queue !== undefined && plan.delaysMs.length > 0
        ? new DelayQueues(plan.queue, plan.delaysMs)
        : undefined;
    const place: MessagePlace = {
      counts: plan.capabilities.deliveryCount === "broker",
      delay: (message, retryCount, delayMs) => {
        const queue = delays?.nameFor(delayMs);
        return queue === undefined ? undefined : this.#confirmChannels.copy(queue, message, retryCount);
      },
    };
    return AmqpSubscriber.open(this.#link, plan, { plan, settings, delays, place });
  }
}
