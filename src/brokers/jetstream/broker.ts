import type { Broker, SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import { type ConnectSettings, connectSettings, dial } from "../nats/connection/dial.ts";
import { OldServerNotice } from "../nats/connection/old-server.ts";
import type { ApiSettings } from "./client.ts";
import { checkServer } from "./connection/check-server.ts";
import { JetStreamConnection } from "./connection/connection.ts";
import { checkApi, type JetStreamOptions, jetStreamOptionNames } from "./options.ts";
import { jetStreamPatternSource, jetStreamSource } from "./source.ts";

/**
 * NATS streams: at least once. A stream stores messages, and a consumer delivers each one until it is acked.
 *
 * Needs nats-server 2.10 or later, and the package `nats` 2.29 or a client in the options.
 */
export class JetStreamBroker implements Broker<JetStreamConnection> {
  readonly name: string;
  readonly #settings: ConnectSettings;
  readonly #api: ApiSettings;
  readonly #notice: OldServerNotice;

  constructor(options: JetStreamOptions = {}) {
    checkOptionNames("new JetStreamBroker(options)", options, jetStreamOptionNames);
    this.#settings = connectSettings(options, "jetstream");
    this.#api = checkApi(options);
    this.name = this.#settings.name;
    this.#notice = new OldServerNotice(this.name);
  }

  source(
    topic: string,
    { group, pattern }: UsualSourceOptions = {},
  ): SubscriptionSource<JetStreamConnection> {
    const options = group === undefined ? {} : { group };
    return pattern ? jetStreamPatternSource(topic, options) : jetStreamSource(topic, options);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<JetStreamConnection> {
    const signal = options?.signal;
    const connection = await dial(this.#settings, signal, (made) => checkServer(made, this.#api, signal));
    this.#notice.check(connection.server.version);
    return new JetStreamConnection(connection, this.#api);
  }
}
