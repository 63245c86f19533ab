import type { Broker, SubscriptionSource } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import { AmqpConnection } from "./connection/connection.ts";
import { connectSettings, dial } from "./connection/dial.ts";
import type { ConnectSettings } from "./connection/socket-connection.ts";
import type { AmqpBrokerOptions } from "./options/options.ts";
import { usualSource } from "./source.ts";

/** RabbitMQ, by AMQP 0-9-1. Needs the package `amqplib`. */
export class AmqpBroker implements Broker<AmqpConnection> {
  readonly name: string;
  readonly #settings: ConnectSettings;

  constructor(options: AmqpBrokerOptions = {}) {
    this.#settings = connectSettings(options);
    this.name = this.#settings.name;
  }

  /** A queue has one name, and all its consumers share it. */
  source(
    queue: string,
    options?: { readonly group?: undefined; readonly pattern?: false },
  ): SubscriptionSource<AmqpConnection> {
    return usualSource(queue, options);
  }

  /**
   * Tries each address once, and again for as long as `connect.waitMs` says while none can be reached. After that first
   * time, a lost connection is restored by itself.
   */
  async connect(options?: { readonly signal?: AbortSignal }): Promise<AmqpConnection> {
    checkOptionNames("connect(options)", options, { signal: true });
    throwIfAborted(options?.signal, "connect()");
    return new AmqpConnection(await dial(this.#settings, options?.signal));
  }
}
