import type { Broker } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { loadAmqplib } from "./client.ts";
import { AmqpConnection } from "./connection.ts";
import { Link } from "./link.ts";
import { type AmqpBrokerOptions, checkOptions, type Settings } from "./options.ts";

/** RabbitMQ, by AMQP 0-9-1. Needs the package `amqplib`. */
export class AmqpBroker implements Broker<AmqpConnection> {
  readonly name: string;
  readonly #settings: Settings;

  constructor(options: AmqpBrokerOptions = {}) {
    this.#settings = checkOptions(options);
    this.name = this.#settings.name;
  }

  /** Tries each address once. After that first time, a lost connection is restored by itself. */
  async connect(options?: { readonly signal?: AbortSignal }): Promise<AmqpConnection> {
    throwIfAborted(options?.signal, "connect()");
    const client = this.#settings.client ?? (await loadAmqplib(this.name));
    return new AmqpConnection(await Link.open(this.#settings, client, options?.signal));
  }
}
