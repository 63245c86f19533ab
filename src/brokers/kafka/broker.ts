import type { Broker, SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { type ClientConfig, loadKafkajs } from "./client.ts";
import type { KafkaConnection } from "./connection/connection.ts";
import { dial } from "./connection/dial.ts";
import { framedSockets } from "./connection/framed-socket.ts";
import { checkOptions, type KafkaBrokerOptions, type Settings } from "./options/options.ts";
import { usualSource } from "./source.ts";

/** A Kafka cluster, through the package `kafkajs`. */
export class KafkaBroker implements Broker<KafkaConnection> {
  readonly name: string;
  readonly #settings: Settings;
  readonly #socketFactory: NonNullable<ClientConfig["socketFactory"]>;

  constructor(options: KafkaBrokerOptions) {
    this.#settings = checkOptions(options);
    this.name = this.#settings.name;
    this.#socketFactory = framedSockets(this.#settings.socketFactory);
  }

  source(topic: string, options?: UsualSourceOptions): SubscriptionSource<KafkaConnection> {
    return usualSource(topic, options);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<KafkaConnection> {
    const signal = options?.signal;
    throwIfAborted(signal, "connect()");
    const { servers, client, clock, secrets, connect, reconnect, maxPayloadBytes, create, closeTimeoutMs } =
      this.#settings;
    const module = client ?? (await loadKafkajs(this.name));
    return dial(
      {
        broker: this.name,
        address: servers.join(","),
        clock,
        module,
        createClient: () => new module.Kafka(this.#clientConfig()),
        secrets,
        connect,
        reconnect,
        maxPayloadBytes,
        create,
        closeTimeoutMs,
      },
      signal,
    );
  }

  /** A copy for each client, because kafkajs writes into the credentials. */
  #clientConfig(): ClientConfig {
    const { config, servers, sasl } = this.#settings;
    const credentials = sasl ? { sasl: { ...sasl } } : {};
    return { ...config, brokers: [...servers], socketFactory: this.#socketFactory, ...credentials };
  }
}
