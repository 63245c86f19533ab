import type { Broker, SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import { NatsConnection } from "./connection/connection.ts";
import { type ConnectSettings, connectSettings, dial } from "./connection/dial.ts";
import { OldServerNotice } from "./connection/old-server.ts";
import { type NatsOptions, natsOptionNames } from "./options.ts";
import { natsPatternSource, natsSource } from "./source.ts";

/**
 * NATS subjects: at most once. A message goes to whoever is subscribed when it is published, and the server keeps
 * no copy. For at least once, use `JetStreamBroker`.
 *
 * Needs nats-server 2.10 or later, and the package `nats` 2.29 or a client in the options.
 */
export class NatsBroker implements Broker<NatsConnection> {
  readonly name: string;
  readonly #settings: ConnectSettings;
  readonly #notice: OldServerNotice;

  constructor(options: NatsOptions = {}) {
    checkOptionNames("new NatsBroker(options)", options, natsOptionNames);
    this.#settings = connectSettings(options, "nats");
    this.name = this.#settings.name;
    this.#notice = new OldServerNotice(this.name);
  }

  source(topic: string, { group, pattern }: UsualSourceOptions = {}): SubscriptionSource<NatsConnection> {
    const options = group === undefined ? {} : { group };
    return pattern ? natsPatternSource(topic, options) : natsSource(topic, options);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<NatsConnection> {
    const connection = await dial(this.#settings, options?.signal);
    this.#notice.check(connection.server.version);
    return new NatsConnection(connection);
  }
}
