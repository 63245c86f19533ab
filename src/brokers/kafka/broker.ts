import type { ConnectionOptions } from "node:tls";
import { checkCount, checkName } from "../../traits/arguments.ts";
import type { Broker } from "../../traits/broker.ts";
import { type Clock, systemClock } from "../../traits/clock.ts";
import { AbortedError, InvalidArgumentError, throwIfAborted } from "../../traits/errors.ts";
import { Backoff, type BackoffOptions } from "../shared/backoff.ts";
import { loadClient } from "../shared/load-client.ts";
import { Secrets } from "../shared/secrets.ts";
import { AdminLink } from "./admin-link.ts";
import type { Client, ClientConfig, KafkaModule, SaslOptions } from "./client.ts";
import { KafkaConnection } from "./connection.ts";
import { connectError } from "./errors.ts";
import { framedSockets } from "./framed-socket.ts";
import { Outages } from "./outages.ts";

export interface KafkaBrokerOptions {
  /** Servers to begin with, as "host:port"; one string may hold several with commas. */
  readonly brokers: string | readonly string[];
  /** Stands in errors and events. @default "kafka" */
  readonly name?: string;
  /** Names this process in the logs of the servers. @default "tidelane" */
  readonly clientId?: string;
  /** TLS, as Node's `tls.connect` takes it, or `true` for its defaults. @default none */
  readonly ssl?: boolean | ConnectionOptions;
  /** Credentials, as kafkajs takes them. @default none */
  readonly sasl?: SaslOptions;
  /** @default the system's. kafkajs keeps its own time in any case. */
  readonly clock?: Clock;
  /** Milliseconds to reach a server. @default 3_000 */
  readonly connectionTimeoutMs?: number;
  /** Milliseconds for an answer of a server. @default 15_000 */
  readonly requestTimeoutMs?: number;
  /** How long closing a part of a connection may take. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** Pauses between tries to come back. @default 200 ms, doubling up to 10 s */
  readonly reconnect?: BackoffOptions;
  /** A larger payload is refused. The server has a limit of its own, message.max.bytes. @default 1_000_000 */
  readonly maxPayloadBytes?: number;
  /** Topics that are missing are created, as the server's configuration says, rather than an error. @default false */
  readonly autoCreateTopics?: boolean;
  /** Makes the sockets, as kafkajs has it: for a proxy. */
  readonly socketFactory?: NonNullable<ClientConfig["socketFactory"]>;
  /** The module kafkajs. @default imported when it is first needed */
  readonly client?: KafkaModule;
}

/** A Kafka cluster, by way of kafkajs. */
export class KafkaBroker implements Broker<KafkaConnection> {
  readonly name: string;
  readonly #options: KafkaBrokerOptions;
  readonly #servers: readonly string[];
  readonly #config: ClientConfig;
  readonly #maxPayloadBytes: number;
  readonly #closeTimeoutMs: number;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.name = checkName("options.name", options.name ?? "kafka");
    this.#servers = checkServers(options.brokers);
    this.#config = {
      brokers: [...this.#servers],
      clientId: checkName("options.clientId", options.clientId ?? "tidelane"),
      connectionTimeout: checkCount("options.connectionTimeoutMs", options.connectionTimeoutMs ?? 3_000),
      requestTimeout: checkCount("options.requestTimeoutMs", options.requestTimeoutMs ?? 15_000),
      // Longer outages are for the tries of this adapter, which tell of themselves.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
      logLevel: 0,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      socketFactory: framedSockets(options.socketFactory),
    };
    this.#maxPayloadBytes = checkCount(
      "options.maxPayloadBytes",
      options.maxPayloadBytes ?? 1_000_000,
      0,
      true,
    );
    this.#closeTimeoutMs = checkCount("options.closeTimeoutMs", options.closeTimeoutMs ?? 5_000);
    new Backoff(options.reconnect);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<KafkaConnection> {
    const signal = options?.signal;
    throwIfAborted(signal, "connect()");
    const { client, clock = systemClock, reconnect = {} } = this.#options;
    const module =
      client ??
      (await loadClient(this.name, "kafkajs@^2.2.4", () => import("kafkajs") as Promise<KafkaModule>));
    const secrets = new Secrets(secretsOf(this.#options.sasl));
    const createClient = (): Client => new module.Kafka(this.#clientConfig());
    const outages = new Outages(this.name);
    const admin = new AdminLink(clock, createClient, secrets, outages);
    try {
      await abortable(
        admin.ask((asked) => asked.describeCluster()),
        signal,
      );
    } catch (error) {
      void admin.close(this.#closeTimeoutMs);
      if (signal?.aborted) throw error;
      throw connectError(this.name, error, secrets);
    }
    const site = {
      broker: this.name,
      clock,
      module,
      createClient,
      admin,
      secrets,
      reconnect,
      outages,
      maxPayloadBytes: this.#maxPayloadBytes,
      autoCreateTopics: this.#options.autoCreateTopics ?? false,
      closeTimeoutMs: this.#closeTimeoutMs,
    };
    return new KafkaConnection(site, { protocol: "kafka", address: this.#servers.join(",") });
  }

  /** n.b. kafkajs writes into the credentials it is given. */
  #clientConfig(): ClientConfig {
    const { sasl } = this.#options;
    return { ...this.#config, brokers: [...this.#servers], ...(sasl ? { sasl: { ...sasl } } : {}) };
  }
}

/** Not shown in an error where it may hold credentials. */
function checkServers(brokers: unknown): readonly string[] {
  const list: unknown[] = Array.isArray(brokers) ? brokers : [brokers];
  const servers = list.flatMap((one) => (typeof one === "string" ? one.split(",") : [undefined]));
  const trimmed = servers.map((one) => one?.trim() ?? "");
  if (trimmed.length > 0 && trimmed.every((one) => /^(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$/.test(one)))
    return trimmed;
  const shown = trimmed.some((one) => one.includes("@")) ? "(something with an @, not shown)" : brokers;
  throw new InvalidArgumentError({
    argument: "options.brokers",
    expected: '"host:port", several as a list or with commas; TLS and credentials are options of their own',
    received: shown,
  });
}

function secretsOf(sasl: SaslOptions | undefined): (string | undefined)[] {
  if (sasl === undefined) return [];
  if ("password" in sasl) return [sasl.password];
  return "secretAccessKey" in sasl ? [sasl.secretAccessKey, sasl.sessionToken] : [];
}

/** Rejects with `AbortedError` when the signal fires first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AbortedError({ what: "connect()", cause: signal.reason }));
    // The client was loaded meanwhile: it may have fired already.
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
