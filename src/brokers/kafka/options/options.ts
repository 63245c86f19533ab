import type { ConnectionOptions } from "node:tls";
import { checkCount, checkName, checkObject } from "../../../traits/arguments.ts";
import { type Clock, systemClock } from "../../../traits/clock.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../../traits/option-names.ts";
import { Backoff, type BackoffOptions } from "../../shared/backoff.ts";
import { type ConnectOptions, checkConnect, connectOptionNames } from "../../shared/first-connect.ts";
import { Secrets } from "../../shared/secrets.ts";
import type { ClientConfig, KafkaModule, SaslOptions, TopicCreation } from "../client.ts";
import { checkCreate, type KafkaTopicOptions, topicOptionNames } from "./topic.ts";

/** Options of `new KafkaBroker(options)`. */
export interface KafkaBrokerOptions {
  /** The bootstrap servers, as "host:port". One string may hold several, with commas. */
  readonly brokers: string | readonly string[];
  /** Names the broker in errors and events. @default "kafka" */
  readonly name?: string;
  /** Names this process in the servers' logs. @default "tidelane" */
  readonly clientId?: string;
  /** TLS options, as Node's `tls.connect` takes them; `true` for the defaults. @default none */
  readonly ssl?: boolean | ConnectionOptions;
  /** Credentials, as kafkajs takes them. @default none */
  readonly sasl?: SaslOptions;
  /** Gives tidelane the time, for tests. @default the system's. kafkajs keeps its own time in any case. */
  readonly clock?: Clock;
  /** How long connecting to a server may take, in milliseconds. @default 3_000 */
  readonly connectionTimeoutMs?: number;
  /** How long a server may take to answer, in milliseconds. @default 15_000 */
  readonly requestTimeoutMs?: number;
  /** How long closing one subscription or publisher may take, in milliseconds. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** How long the first connect waits for a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  /** How long to wait before each attempt to reconnect. @default 200 ms, doubling up to 10 s */
  readonly reconnect?: BackoffOptions;
  /**
   * A larger payload rejects with `InvalidMessageError`. The server has its own limit, message.max.bytes. @default
   * 1_000_000
   */
  readonly maxPayloadBytes?: number;
  /**
   * What to do if a topic is missing when you subscribe or publish. `false`: the call fails. `true`: tidelane
   * creates it with the server's defaults. An object: tidelane creates it with these settings. A subscription or a
   * publisher may override it. @default false
   */
  readonly create?: boolean | KafkaTopicOptions;
  /** Makes the sockets, as kafkajs takes it; for a proxy. */
  readonly socketFactory?: NonNullable<ClientConfig["socketFactory"]>;
  /** The module kafkajs. @default imported when it is first needed */
  readonly client?: KafkaModule;
}

const brokerOptionNames = optionNames<KafkaBrokerOptions>()({
  brokers: true,
  name: true,
  clientId: true,
  ssl: true,
  sasl: true,
  clock: true,
  connectionTimeoutMs: true,
  requestTimeoutMs: true,
  closeTimeoutMs: true,
  connect: connectOptionNames,
  reconnect: optionNames<BackoffOptions>()({ initialMs: true, maxMs: true }),
  maxPayloadBytes: true,
  create: topicOptionNames,
  socketFactory: true,
  client: true,
});

/** The options of a broker, checked and complete. */
export interface Settings {
  readonly name: string;
  readonly servers: readonly string[];
  readonly secrets: Secrets;
  /** Without the credentials and `socketFactory`. */
  readonly config: ClientConfig;
  readonly sasl: SaslOptions | undefined;
  readonly socketFactory: ClientConfig["socketFactory"];
  readonly clock: Clock;
  readonly closeTimeoutMs: number;
  readonly connect: Required<ConnectOptions>;
  readonly reconnect: BackoffOptions;
  readonly maxPayloadBytes: number;
  readonly create: TopicCreation | false;
  readonly client: KafkaModule | undefined;
}

export function checkOptions(options: KafkaBrokerOptions): Settings {
  // A text given as the options may be a URL with a login, so the error does not show it.
  const given: unknown = typeof options === "string" ? "(text, not shown)" : options;
  checkObject("options", given, 'an object, as { brokers: "host:port" }');
  checkOptionNames("new KafkaBroker(options)", options, brokerOptionNames);
  const name = checkName("options.name", options.name ?? "kafka");
  const servers = checkServers(options.brokers);
  const { ssl, sasl, reconnect = {} } = options;
  const settings = {
    name,
    servers,
    secrets: new Secrets(secretsOf(sasl)),
    config: {
      brokers: [...servers],
      clientId: checkName("options.clientId", options.clientId ?? "tidelane"),
      connectionTimeout: checkCount("options.connectionTimeoutMs", options.connectionTimeoutMs ?? 3_000),
      requestTimeout: checkCount("options.requestTimeoutMs", options.requestTimeoutMs ?? 15_000),
      // Longer outages are retried by this adapter, which reports them.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
      logLevel: 0,
      ...(ssl === undefined ? {} : { ssl }),
    },
    sasl,
    socketFactory: options.socketFactory,
    clock: options.clock ?? systemClock,
    maxPayloadBytes: checkCount("options.maxPayloadBytes", options.maxPayloadBytes ?? 1_000_000, 0, true),
    closeTimeoutMs: checkCount("options.closeTimeoutMs", options.closeTimeoutMs ?? 5_000),
    connect: checkConnect(options.connect),
    create: checkCreate(options.create) ?? false,
    reconnect,
    client: options.client,
  };
  // Throws where its options are wrong.
  new Backoff(reconnect);
  return settings;
}

const address = /^(?:\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/;

function checkServers(brokers: unknown): readonly string[] {
  const argument = "options.brokers";
  const list: unknown[] = Array.isArray(brokers) ? brokers : [brokers];
  const servers = list.flatMap((one) => (typeof one === "string" ? one.split(",") : [one]));
  const trimmed = servers.map((one) => (typeof one === "string" ? one.trim() : ""));
  if (trimmed.some((one) => one.includes("@"))) {
    throw new InvalidArgumentError({
      argument,
      expected: '"host:port" without a login; give the login as options.sasl',
      received: "(an address with a login, not shown)",
    });
  }
  for (const [index, server] of trimmed.entries()) {
    const port = address.exec(server)?.[1];
    if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) continue;
    const expected =
      port === undefined
        ? '"host:port", several as a list or with commas; TLS and a login are options.ssl and options.sasl'
        : '"host:port" with a port of 1 to 65535';
    throw new InvalidArgumentError({ argument, expected, received: shown(servers[index]) });
  }
  if (trimmed.length > 0) return trimmed;
  throw new InvalidArgumentError({ argument, expected: 'at least one "host:port"', received: brokers });
}

/** Shows a bare host name, or one with a number. Any other text may be a piece of a URL with a login. */
function shown(server: unknown): unknown {
  if (typeof server !== "string" || /^\s*[\w.-]*(?::\d*)?\s*$/.test(server)) return server;
  return "(text that is no address, not shown)";
}

function secretsOf(sasl: SaslOptions | undefined): (string | undefined)[] {
  if (sasl === undefined) return [];
  if ("password" in sasl) return [sasl.password];
  return "secretAccessKey" in sasl ? [sasl.secretAccessKey, sasl.sessionToken] : [];
}
