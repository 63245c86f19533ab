import { checkCount, checkDuration, checkName } from "../../../traits/arguments.ts";
import { type Clock, systemClock } from "../../../traits/clock.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { headerNames } from "../../../traits/headers.ts";
import { optionNames } from "../../../traits/option-names.ts";
import type { BackoffOptions } from "../../shared/backoff.ts";
import { type ConnectOptions, checkConnect, connectOptionNames } from "../../shared/first-connect.ts";
import type { AmqpClient, AmqpTls } from "../client.ts";
import { checkNames } from "./field-checks.ts";
import {
  type AmqpPublisherOptions,
  checkPublisherOptions,
  type PublisherSettings,
  publisherOptionNames,
} from "./publisher.ts";
import { type AmqpTopology, checkTopology, topologyNames } from "./topology.ts";

/** Options of `new AmqpBroker(options)`. */
export interface AmqpBrokerOptions {
  /**
   * `amqp://user:password@host:port/vhost`, or `amqps:` for TLS. A list names the nodes of a cluster; they are
   * tried in turn. @default "amqp://guest:guest@127.0.0.1:5672/"
   */
  readonly url?: string | readonly string[];
  /** Names the broker in errors and events, and the connection on the server. @default "rabbitmq" */
  readonly name?: string;
  /** TLS options of `node:tls`: `ca`, `cert`, `key`, `servername` and others. They need an `amqps:` URL. */
  readonly tls?: AmqpTls;
  /** How long connecting to one server may take, in milliseconds. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /**
   * How often the server and tidelane send heartbeats, in milliseconds: whole seconds. tidelane gives up a server
   * that is silent for two to three of these. 0: no heartbeats. @default 10_000
   */
  readonly heartbeatMs?: number;
  /** How long the first connect waits for a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  /** How to reconnect. `false`: a lost connection is closed. */
  readonly reconnect?: ReconnectOptions | false;
  /**
   * How long a publish may wait for its confirm, in milliseconds; then it rejects with `TimeoutError`. `Infinity`:
   * no limit. @default 30_000
   */
  readonly publishTimeoutMs?: number;
  /** How long closing may take, in milliseconds. After that, tidelane leaves the rest to the server. @default 3_000 */
  readonly closeTimeoutMs?: number;
  /**
   * A larger payload rejects with `InvalidMessageError`. The server's own limit is `max_message_size`: 16 MiB from
   * RabbitMQ 4.0 on, and more before. @default 16 MiB
   */
  readonly maxPayloadBytes?: number;
  /** The defaults of all publishers of the connection. */
  readonly publish?: AmqpPublisherOptions;
  /** Exchanges, queues and bindings that tidelane declares on each connect and reconnect. @default nothing */
  readonly topology?: AmqpTopology;
  /** Gives tidelane the time, for tests. @default the system's */
  readonly clock?: Clock;
  /** The module amqplib. @default the one that is installed */
  readonly client?: AmqpClient;
}

/** `options.reconnect` of an `AmqpBroker`. */
export interface ReconnectOptions extends BackoffOptions {
  /** How many attempts in a row before tidelane gives up a lost connection. @default Infinity */
  readonly maxAttempts?: number;
}

const reconnectNames = optionNames<ReconnectOptions>()({ initialMs: true, maxMs: true, maxAttempts: true });

const brokerOptionNames = optionNames<AmqpBrokerOptions>()({
  url: true,
  name: true,
  tls: true,
  connectTimeoutMs: true,
  heartbeatMs: true,
  connect: connectOptionNames,
  reconnect: reconnectNames,
  publishTimeoutMs: true,
  closeTimeoutMs: true,
  maxPayloadBytes: true,
  publish: publisherOptionNames,
  topology: topologyNames,
  clock: true,
  client: true,
});

/** The options of a broker, checked and complete. */
export interface Settings {
  readonly name: string;
  readonly url: string | readonly string[];
  readonly tls: AmqpTls;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly connect: Required<ConnectOptions>;
  readonly reconnect: BackoffOptions & { readonly maxAttempts: number };
  readonly publishTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
  readonly publish: PublisherSettings;
  readonly topology: AmqpTopology;
  readonly clock: Clock;
  readonly client: AmqpClient | undefined;
}

export function checkOptions(options: AmqpBrokerOptions): Settings {
  const call = "new AmqpBroker(options)";
  checkNames(call, "options", options, brokerOptionNames);
  const { reconnect = {}, topology = {}, publishTimeoutMs = 30_000, heartbeatMs = 10_000 } = options;
  const { maxAttempts = Number.POSITIVE_INFINITY, ...backoff } =
    reconnect === false ? { maxAttempts: 0 } : reconnect;
  checkTopology(call, "options.topology", topology);
  const defaults = { exchange: "", mandatory: true, persistent: true, keyHeader: headerNames.partitionKey };
  return {
    name: checkName("options.name", options.name ?? "rabbitmq"),
    url: options.url ?? "amqp://guest:guest@127.0.0.1:5672/",
    tls: options.tls ?? {},
    connectTimeoutMs: checkDuration("options.connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    heartbeatMs: checkHeartbeat(heartbeatMs),
    connect: checkConnect(options.connect),
    reconnect: { ...backoff, maxAttempts: checkCount("options.reconnect.maxAttempts", maxAttempts, 0, true) },
    publishTimeoutMs:
      publishTimeoutMs === Number.POSITIVE_INFINITY
        ? publishTimeoutMs
        : checkDuration("options.publishTimeoutMs", publishTimeoutMs),
    closeTimeoutMs: checkDuration("options.closeTimeoutMs", options.closeTimeoutMs ?? 3_000),
    maxPayloadBytes: checkCount("options.maxPayloadBytes", options.maxPayloadBytes ?? 2 ** 24, 0),
    publish: checkPublisherOptions("options.publish", options.publish ?? {}, defaults),
    topology,
    clock: options.clock ?? systemClock,
    client: options.client,
  };
}

function checkHeartbeat(value: number): number {
  const heartbeatMs = checkDuration("options.heartbeatMs", value);
  if (heartbeatMs % 1_000 === 0) return heartbeatMs;
  const expected = "whole seconds, in milliseconds, as the protocol knows no shorter ones";
  throw new InvalidArgumentError({ argument: "options.heartbeatMs", expected, received: value });
}
