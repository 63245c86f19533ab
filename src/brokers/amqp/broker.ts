import type { Broker, SubscriptionSource } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import { AmqpConnection } from "./connection/connection.ts";
import { connectSettings, dial } from "./connection/dial.ts";
import type { ConnectSettings } from "./connection/socket-connection.ts";
import type { AmqpBrokerOptions } from "./options/options.ts";
import { usualSource } from "./source.ts";

/** RabbitMQ, over AMQP 0-9-1. Needs the package `amqplib`. */
export class AmqpBroker implements Broker<AmqpConnection> {
  readonly name: string;
  readonly #settings: ConnectSettings;

  constructor(options: AmqpBrokerOptions = {}) {
    this.#settings = connectSettings(options);
    this.name = this.#settings.name;
  }

  /**
   * The queue named `topic`. Throws `InvalidArgumentError` with a `group` or a `pattern`: the consumers of one
   * queue are the group, and a queue has one name.
   */
  source(
    queue: string,
    options?: { readonly group?: undefined; readonly pattern?: false },
  ): SubscriptionSource<AmqpConnection> {
    return usualSource(queue, options);
  }

  /**
   * Tries each address once. If none can be reached, it keeps trying for `connect.waitMs`. Once connected, the
   * connection reconnects by itself.
   */
  async connect(options?: { readonly signal?: AbortSignal }): Promise<AmqpConnection> {
    checkOptionNames("connect(options)", options, { signal: true });
    throwIfAborted(options?.signal, "connect()");
    return new AmqpConnection(await dial(this.#settings, options?.signal));
  }
}
