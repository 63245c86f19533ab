import type { Broker } from "../../traits/broker.ts";
import { NatsConnection } from "./connection.ts";
import { dial } from "./dial.ts";
import { checkOptions, type NatsOptions, type NatsSettings } from "./options.ts";

/**
 * NATS subjects: fast, at most once, nothing kept. For what must not be lost there is `JetStreamBroker`.
 *
 * Needs the package `nats` 2.29, or a client in the options.
 */
export class NatsBroker implements Broker<NatsConnection> {
  readonly name: string;
  readonly #settings: NatsSettings;

  constructor(options: NatsOptions = {}) {
    this.#settings = checkOptions(options, "nats");
    this.name = this.#settings.name;
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<NatsConnection> {
    return new NatsConnection(await dial(this.#settings, options?.signal));
  }
}
