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

/** A connection that was made elsewhere. It stays open when ours is closed. */
export interface HandedInConnection {
  readonly connection: ClientConnection;
  /** The `headers` function of the package the connection comes from. */
  readonly headers: () => ClientHeaders;
}

export interface ReconnectOptions extends BackoffOptions {
  /** Attempts, to each server, after which a lost connection is given up. @default Infinity */
  readonly maxAttempts?: number;
}

export interface NatsOptions {
  /** Stands in errors and events. @default "nats" */
  readonly name?: string;
  /**
   * `nats://host:4222`, `tls://host`, or `host:port`; several in a list or with commas. May hold credentials:
   * `nats://user:password@host`, `nats://token@host`. @default "nats://127.0.0.1:4222"
   */
  readonly servers?: string | readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** For nkeys and JWTs: what `nkeyAuthenticator`, `jwtAuthenticator` or `credsAuthenticator` of the client gives. */
  readonly authenticator?: ClientAuthenticator;
  /** `true`, or options: without TLS no connection is made. @default only where the server asks for it */
  readonly tls?: true | ClientTlsOptions;
  /**
   * The client: `import * as client from "@nats-io/transport-node"`, or a connection made with one. With a connection
   * the options above, and those on connecting, have no effect. @default the package "nats"
   */
  readonly client?: ClientModule | HandedInConnection;
  /** Further options for the client's own `connect`; ours win. */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
  /** @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** A connection on which nothing answers is given up after three of these. @default 10_000 */
  readonly pingIntervalMs?: number;
  /** How the first connect waits for a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  readonly reconnect?: ReconnectOptions;
  /** How long a publish may wait for the connection, and for its confirmation. @default 5_000 */
  readonly publishTimeoutMs?: number;
  /** The longest that `close()` of a subscription or the connection takes. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** Where answers come to; a connection handed in may have permission for its own only. @default "_INBOX" */
  readonly inboxPrefix?: string;
  /** @default the system's */
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

/** What happens to a message that finds the inbox full. There is no way to make a NATS server wait. */
export type OverflowPolicy = "drop-newest" | "drop-oldest" | "fail";

export interface NatsSubscribeOptions {
  /** Subscriptions of one queue group share the messages. Without it each gets all of them. */
  readonly group?: string;
  /** What may wait here for the consumer, in messages and in bytes of payload. */
  readonly inbox?: {
    /** @default 65_536 */
    readonly maxMessages?: number;
    /** @default 64 MiB */
    readonly maxBytes?: number;
    /**
     * What is dropped is counted (`subscriber.dropped`) and reported. "fail" ends the subscription with an error.
     * @default "drop-newest"
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

export interface NatsPublisherOptions {
  /**
   * `publish` resolves when the server has the message, by a round trip that overlapping publishes share. n.b. the
   * server has it; who subscribes to it may still lose it. @default false
   */
  readonly confirm?: boolean;
  /**
   * The header a message's key travels in. Neighbours may read another one: RustStream's crate for NATS reads
   * `"nats-partition-key"`. @default "partition-key"
   */
  readonly keyHeader?: string;
}

export const publisherOptionNames: OptionNames = optionNames<NatsPublisherOptions>()({
  confirm: true,
  keyHeader: true,
});
