import type { Broker } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import type { SubscriptionSource } from "../../traits/source.ts";
import { connectInTime } from "../shared/first-connect.ts";
import { loadAmqplib } from "./client.ts";
import { AmqpConnection } from "./connection/connection.ts";
import { Link } from "./connection/reconnecting-connection.ts";
import { type AmqpBrokerOptions, checkOptions, type Settings } from "./options.ts";
import { usualSource } from "./source.ts";

/** RabbitMQ, by AMQP 0-9-1. Needs the package `amqplib`. */
export class AmqpBroker implements Broker<AmqpConnection> {
  readonly name: string;
  readonly #settings: Settings;

  constructor(options: AmqpBrokerOptions = {}) {
    this.#settings = checkOptions(options);
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
    const signal = options?.signal;
    throwIfAborted(signal, "connect()");
    const settings = this.#settings;
    const client = settings.client ?? (await loadAmqplib(this.name));
    const link = await connectInTime(settings.connect, settings.reconnect, settings.clock, signal, () =>
      Link.open(settings, client, signal),
    );
    return new AmqpConnection(link);
  }
}
