import { checkCount, checkDuration, checkFunction, checkName } from "../../traits/arguments.ts";
import { type Clock, systemClock } from "../../traits/clock.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../traits/option-names.ts";
import { Backoff, type BackoffOptions } from "../shared/backoff.ts";
import { type ConnectOptions, checkConnect, connectOptionNames } from "../shared/first-connect.ts";
import type {
  ClientAuthenticator,
  ClientConnection,
  ClientHeaders,
  ClientModule,
  ClientTlsOptions,
} from "./client.ts";

/** A connection of the client that you made. tidelane never closes it. */
export interface HandedInConnection {
  readonly connection: ClientConnection;
  /** The `headers` function of the same package. */
  readonly headers: () => ClientHeaders;
}

/** `options.reconnect` of a `NatsBroker` or a `JetStreamBroker`. */
export interface ReconnectOptions extends BackoffOptions {
  /** How many attempts, on each server, before tidelane gives up a lost connection. @default Infinity */
  readonly maxAttempts?: number;
}

/** Options of `new NatsBroker(options)` and `new JetStreamBroker(options)`. */
export interface NatsOptions {
  /** Names the broker in errors and events. @default "nats" */
  readonly name?: string;
  /**
   * `nats://host:4222`, `tls://host` or `host:port`; several as a list or with commas. A URL may hold credentials:
   * `nats://user:password@host`, `nats://token@host`. @default "nats://127.0.0.1:4222"
   */
  readonly servers?: string | readonly string[];
  /** Overrides the user in a URL. */
  readonly user?: string;
  /** Overrides the password in a URL. */
  readonly password?: string;
  /** Overrides the token in a URL. */
  readonly token?: string;
  /** For nkeys and JWTs: the result of the client's `nkeyAuthenticator`, `jwtAuthenticator` or `credsAuthenticator`. */
  readonly authenticator?: ClientAuthenticator;
  /**
   * `true`, or TLS options. With either, tidelane connects only with TLS. @default only where the server asks for
   * it
   */
  readonly tls?: true | ClientTlsOptions;
  /**
   * The client module, as from `import * as client from "@nats-io/transport-node"`, or a connection that you made
   * with one. With a connection, the options about servers, login, TLS and connecting have no effect. @default the
   * package "nats"
   */
  readonly client?: ClientModule | HandedInConnection;
  /** More options for the client's own `connect`. The options of tidelane override them. */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
  /** How long connecting to one server may take, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /**
   * How often tidelane pings the server, in milliseconds. After three pings without an answer it gives the
   * connection up. @default 10_000
   */
  readonly pingIntervalMs?: number;
  /** How long the first connect waits for a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  /** How to reconnect. */
  readonly reconnect?: ReconnectOptions;
  /** How long a publish may wait for a lost connection and for its confirmation, in milliseconds. @default 5_000 */
  readonly publishTimeoutMs?: number;
  /** The longest that `close()` may take, in milliseconds. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** The prefix of reply subjects. A connection that you made may be allowed only its own prefix. @default "_INBOX" */
  readonly inboxPrefix?: string;
  /** Gives tidelane the time, for tests. @default the system's */
  readonly clock?: Clock;
}

/** By the name of each option of `NatsOptions`. */
export const natsOptionNames: OptionNames = optionNames<NatsOptions>()({
  name: true,
  servers: true,
  user: true,
  password: true,
  token: true,
  authenticator: true,
  tls: true,
  client: true,
  clientOptions: true,
  connectTimeoutMs: true,
  pingIntervalMs: true,
  connect: connectOptionNames,
  reconnect: optionNames<ReconnectOptions>()({ initialMs: true, maxMs: true, maxAttempts: true }),
  publishTimeoutMs: true,
  closeTimeoutMs: true,
  inboxPrefix: true,
  clock: true,
});

/** Options with every default in place. Servers, login and TLS are read by the connection. */
export interface NatsSettings {
  readonly name: string;
  readonly authenticator: ClientAuthenticator | undefined;
  readonly client: ClientModule | HandedInConnection | undefined;
  readonly clientOptions: Readonly<Record<string, unknown>>;
  readonly connectTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly connect: Required<ConnectOptions>;
  readonly reconnect: ReconnectOptions;
  readonly publishTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly inboxPrefix: string;
  readonly clock: Clock;
}

export function checkOptions(options: NatsOptions, defaultName: string): NatsSettings {
  const { authenticator, client } = options;
  if (authenticator !== undefined) checkFunction("options.authenticator", authenticator);
  if (client !== undefined) checkClient(client);
  if (options.reconnect?.maxAttempts !== undefined) {
    checkCount("options.reconnect.maxAttempts", options.reconnect.maxAttempts, 0, true);
  }
  new Backoff(options.reconnect);
  return {
    name: checkName("options.name", options.name ?? defaultName),
    authenticator,
    client,
    clientOptions: options.clientOptions ?? {},
    connectTimeoutMs: positive("options.connectTimeoutMs", options.connectTimeoutMs ?? 5_000),
    pingIntervalMs: positive("options.pingIntervalMs", options.pingIntervalMs ?? 10_000),
    connect: checkConnect(options.connect),
    reconnect: options.reconnect ?? {},
    publishTimeoutMs: positive("options.publishTimeoutMs", options.publishTimeoutMs ?? 5_000),
    closeTimeoutMs: checkDuration("options.closeTimeoutMs", options.closeTimeoutMs ?? 5_000),
    inboxPrefix: checkPrefix(options.inboxPrefix ?? "_INBOX"),
    clock: options.clock ?? systemClock,
  };
}

function checkClient(client: unknown): void {
  const { connect, connection, headers } = client as Partial<ClientModule & HandedInConnection>;
  if (typeof headers === "function") {
    if (typeof connect === "function") return;
    if (typeof connection?.publish === "function" && typeof connection.subscribe === "function") return;
  }
  throw new InvalidArgumentError({
    argument: "options.client",
    expected: 'a client module with "connect" and "headers", or { connection, headers }',
    received: client,
  });
}

function checkPrefix(prefix: string): string {
  for (const token of prefix.split(".")) checkToken("options.inboxPrefix", token);
  return prefix;
}

/** The name of a queue group, a stream or a consumer. */
export function checkToken(argument: string, value: unknown): string {
  const name = checkName(argument, value);
  if (!/[\s.*>/\\]/.test(name)) return name;
  const expected = 'a name without space, ".", "*", ">", "/" and "\\"';
  throw new InvalidArgumentError({ argument, expected, received: name });
}

export function positive(argument: string, value: unknown): number {
  const duration = checkDuration(argument, value);
  if (duration > 0) return duration;
  throw new InvalidArgumentError({ argument, expected: "more than 0 milliseconds", received: value });
}

/** What to do with a message that does not fit the inbox. A NATS server cannot be made to wait. */
export type OverflowPolicy = "drop-newest" | "drop-oldest" | "fail";

/** Options of `natsSource(subject, options)` and of `connection.subscribe(subject, options)` on subjects. */
export interface NatsSubscribeOptions {
  /** The queue group. Its subscriptions share the messages. Without a group each subscription gets all of them. */
  readonly group?: string;
  /** Where messages wait for the consumer. */
  readonly inbox?: {
    /** The most messages that wait. @default 65_536 */
    readonly maxMessages?: number;
    /** The most bytes of payload that wait. @default 64 MiB */
    readonly maxBytes?: number;
    /**
     * What to do when the inbox is full. "drop-newest" and "drop-oldest" drop a message, count it in
     * `subscriber.dropped`, and report it. "fail" ends the subscription with an error. @default "drop-newest"
     */
    readonly overflow?: OverflowPolicy;
  };
}

const subscribeNames = optionNames<NatsSubscribeOptions>()({
  group: true,
  inbox: optionNames<NonNullable<NatsSubscribeOptions["inbox"]>>()({
    maxMessages: true,
    maxBytes: true,
    overflow: true,
  }),
});

export interface InboxLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly overflow: OverflowPolicy;
}

/** `call`: as the caller wrote it. */
export function checkSubscribeOptions(call: string, options: NatsSubscribeOptions): InboxLimits {
  checkOptionNames(call, options, subscribeNames);
  const { group, inbox = {} } = options;
  if (group !== undefined) checkToken("options.group", group);
  const { overflow = "drop-newest" } = inbox;
  if (!["drop-newest", "drop-oldest", "fail"].includes(overflow)) {
    const expected = '"drop-newest", "drop-oldest" or "fail"';
    throw new InvalidArgumentError({ argument: "options.inbox.overflow", expected, received: overflow });
  }
  return {
    maxMessages: checkCount("options.inbox.maxMessages", inbox.maxMessages ?? 65_536),
    maxBytes: checkCount("options.inbox.maxBytes", inbox.maxBytes ?? 64 * 2 ** 20),
    overflow,
  };
}

/** Options of `connection.publisher(options)` on subjects. */
export interface NatsPublisherOptions {
  /**
   * `true`: `publish` resolves when the server has the message. Overlapping publishes share one round trip. A
   * subscriber may still lose the message, because subjects deliver at most once. `false`: it resolves when the
   * message is sent. @default false
   */
  readonly confirm?: boolean;
  /**
   * The header that carries the key. Other programs may read another one: RustStream's crate for NATS reads
   * `"nats-partition-key"`. @default "partition-key"
   */
  readonly keyHeader?: string;
}

export const publisherOptionNames: OptionNames = optionNames<NatsPublisherOptions>()({
  confirm: true,
  keyHeader: true,
});
