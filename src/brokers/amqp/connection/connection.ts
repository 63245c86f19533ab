import type {
  Connection,
  ConnectionState,
  DescribeServer,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { setHome, setReach } from "../../../traits/reach.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import { AmqpSubscriber } from "../consumer/subscriber.ts";
import { showAddress } from "../errors.ts";
import type { MessageContext } from "../message/message.ts";
import { checkNames, refuse } from "../options/field-checks.ts";
import {
  type AmqpPublisherOptions,
  checkPublisherOptions,
  publisherOptionNames,
} from "../options/publisher.ts";
import {
  type AmqpExclusiveQueueOptions,
  type AmqpQueueOptions,
  checkExclusiveQueueOptions,
  checkQueueOptions,
  type SubscriptionSettings,
} from "../options/subscription.ts";
import { ConfirmChannels } from "../publisher/confirm-channels.ts";
import { AmqpPublisher } from "../publisher/publisher.ts";
import { DelayQueues } from "../topology/delay-queues.ts";
import type { ReconnectingConnection } from "./reconnecting-connection.ts";

/** A connection to RabbitMQ. It reconnects by itself. */
export class AmqpConnection
  extends ClosableConnection
  implements Connection, DescribeServer, Subscribe<AmqpSubscriber>
{
  readonly #connection: ReconnectingConnection;
  readonly #confirmChannels: ConfirmChannels;

  /** @internal */
  constructor(connection: ReconnectingConnection) {
    super();
    this.#connection = connection;
    this.#confirmChannels = new ConfirmChannels(connection);
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /**
   * Why the server takes no publishes now, such as low memory; undefined while it takes them. Publishes wait
   * meanwhile.
   */
  get blocked(): string | undefined {
    return this.#connection.current?.blocked;
  }

  /** The server that the connection is connected to, or was last. */
  describe(): ServerDescription {
    const { address, server } = this.#connection.last;
    const version = `${server.product} ${server.version}`.trim();
    return { protocol: address.protocol, address: showAddress(address), version };
  }

  /** A publisher. What `options` leave out is as in the broker's `publish`. */
  publisher(options: AmqpPublisherOptions = {}): AmqpPublisher {
    checkNames("publisher(options)", "options", options, publisherOptionNames);
    const settings = checkPublisherOptions("options", options, this.#connection.settings.publish);
    const publisher = new AmqpPublisher(this.#connection, this.#confirmChannels, settings);
    // Through another exchange, the topic is a routing key, and the server does not say where that leads.
    return settings.exchange === "" ? setHome(publisher, this.#connection) : publisher;
  }

  /** Subscribes to the queue of this name, or opens a source and gives its subscriber. */
  subscribe(queue: string, options?: AmqpQueueOptions): Promise<AmqpSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<AmqpConnection, S>): Promise<S>;
  async subscribe(
    target: string | SubscriptionSource<AmqpConnection>,
    options?: AmqpQueueOptions,
  ): Promise<Subscriber> {
    this.#connection.check("subscribe()");
    if (typeof target === "object" && target !== null) {
      if (options === undefined) return target.open(this);
      refuse("subscribe(source, options)", "called without options, as the source holds its own", options);
    }
    return this.#open(checkQueueOptions("subscribe", target, options ?? {}));
  }

  /**
   * Subscribes with a queue of its own, bound to an exchange. It misses messages that are published while the
   * connection is lost.
   */
  async subscribeExclusive(topic: string, options: AmqpExclusiveQueueOptions): Promise<AmqpSubscriber> {
    this.#connection.check("subscribeExclusive()");
    return this.#open(checkExclusiveQueueOptions("subscribeExclusive", topic, options));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #open(subscription: SubscriptionSettings): Promise<AmqpSubscriber> {
    const { settings } = this.#connection;
    const delays =
      subscription.queue !== undefined && subscription.delaysMs.length > 0
        ? new DelayQueues(subscription.queue, subscription.delaysMs)
        : undefined;
    const messages: MessageContext = {
      counts: subscription.capabilities.deliveryCount === "broker",
      delay: (message, retryCount, delayMs) => {
        const queue = delays?.nameFor(delayMs);
        return queue === undefined ? undefined : this.#confirmChannels.copy(queue, message, retryCount);
      },
    };
    const context = { subscription, settings, delays, messages };
    const subscriber = await AmqpSubscriber.open(this.#connection, subscription, context);
    return setReach(subscriber, this.#connection, (topic) => topic === subscription.queue);
  }
}
