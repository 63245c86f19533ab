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

export interface AmqpBrokerOptions {
  /**
   * `amqp://user:password@host:port/vhost`, `amqps:` for TLS; several for the nodes of a cluster, tried in turn.
   * @default "amqp://guest:guest@127.0.0.1:5672/"
   */
  readonly url?: string | readonly string[];
  /** Stands in errors and events, and on the server as the name of the connection. @default "rabbitmq" */
  readonly name?: string;
  /** Of `node:tls`: ca, cert, key, servername and so on. Goes with `amqps:`. */
  readonly tls?: AmqpTls;
  /** How long one server may take to let us in. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** A server that is silent for two to three of these is given up. Whole seconds; 0: never. @default 10_000 */
  readonly heartbeatMs?: number;
  /** How the first connect goes about a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  /** How to come back after a loss; `false`: not at all, the connection is closed then. */
  readonly reconnect?: ReconnectOptions | false;
  /** A `publish` that has no answer by then rejects with `TimeoutError`. `Infinity`: it waits. @default 30_000 */
  readonly publishTimeoutMs?: number;
  /** How long closing may take, before the rest is left to the server. @default 3_000 */
  readonly closeTimeoutMs?: number;
  /** The server's `max_message_size`: 16 MiB from RabbitMQ 4.0 on, more before. @default 16 MiB */
  readonly maxPayloadBytes?: number;
  /** What publishers do that are not told otherwise. */
  readonly publish?: AmqpPublisherOptions;
  /** Declared on connecting, and again after every reconnect. @default nothing */
  readonly topology?: AmqpTopology;
  /** @default the system's */
  readonly clock?: Clock;
  /** A loaded amqplib. @default the one that is installed */
  readonly client?: AmqpClient;
}

export interface ReconnectOptions extends BackoffOptions {
  /** Attempts in a row before it is given up. @default Infinity */
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
