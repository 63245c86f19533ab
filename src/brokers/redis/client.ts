import type { ConnectionState } from "../../traits/broker.ts";
import type { Clock } from "../../traits/clock.ts";
import type { ConnectFailedError, ConnectionClosedError } from "../../traits/errors.ts";
import type { BackoffOptions } from "../shared/backoff.ts";
import { loadClient } from "../shared/load-client.ts";
import type { Secrets } from "../shared/secrets.ts";

// The part of the package `redis` that is called here, so that it stays an optional peer and a fake of it stays short.
// Versions 5 and 6 both have it. Commands are sent as they stand in the protocol, because the client's own functions
// turn every reply into text.

/** What `import("redis")` gives: it takes `ClientOptions`, and gives a `RedisClient`, in types of its own that have much more. */
export interface RedisClientModule {
  createClient(options: never): object;
}

/** What we say when we connect; the client has more, see `RedisBrokerOptions.clientOptions`. */
export interface ClientOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly name?: string;
  readonly RESP: 2;
  readonly disableOfflineQueue: true;
  readonly pingInterval?: number;
  readonly socket: ClientSocketOptions;
}

export interface ClientSocketOptions {
  readonly connectTimeout: number;
  readonly socketTimeout?: number;
  /** We reconnect ourselves: the client would send again what may have been carried out. */
  readonly reconnectStrategy: false;
  readonly tls?: boolean;
}

export interface RedisClient {
  connect(): Promise<unknown>;
  /** Ends at once: what waits for an answer is rejected. */
  destroy(): void;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
  sendCommand(args: readonly Argument[], options?: ReplyOptions): Promise<unknown>;
}

export interface ReplyOptions {
  readonly typeMapping: { readonly [type: number]: BufferConstructor };
}

/** A part of a command, as it travels. */
export type Argument = string | Buffer;

/** What the server answers. An array in it may stand for a record: name, value, name, value. */
export type Reply = Buffer | string | number | null | readonly Reply[];

/** One connection of the client, while it lasts. */
export interface OpenConnection {
  readonly over: boolean;
  /** Sent in this turn of the event loop, together with all that is sent in it, in the order of the calls. */
  call(...args: Argument[]): Promise<Reply>;
}

/** What hears of changes of a connection. None of these may throw or reject. */
export interface ConnectionListener {
  connectionLost?(): void;
  connectionRestored?(): void;
  /** It is over for good; `failure` where it was not closed by its owner. `usable` still takes calls until this resolves. */
  connectionEnded(failure: ConnectFailedError | undefined): Promise<void>;
}

/** A connection over all its reconnects, as consumers and publishers use it. */
export interface ServerConnection {
  readonly settings: ConnectionSettings;
  readonly state: ConnectionState;
  /** What takes calls now; during a close, what its listeners may still send by. */
  readonly usable: OpenConnection | undefined;
  check(during: string): void;
  closedError(during: string): ConnectionClosedError;
  /** Rejects with `ConnectionClosedError` when it ends first. */
  whenOpen(during: string): Promise<OpenConnection>;
  /** Another connection to the same server, not open yet. It stays closed once the signal has fired. */
  blocking(closing: AbortSignal): BlockingCalls;
  add(listener: ConnectionListener): void;
  delete(listener: ConnectionListener): void;
}

/** A connection of its own for calls that wait at the server, which answers nothing else on it meanwhile. */
export interface BlockingCalls {
  /** Opens it, unless it is open. Returns whether it was opened. */
  open(): Promise<boolean>;
  /** One at a time. `null` where it is not open. */
  call(...args: Argument[]): Promise<Reply>;
  /** Ends the wait of a call, whose answer still comes where it was on its way. Resolves when it is over; never rejects. */
  interrupt(): Promise<void>;
  destroy(): void;
}

export interface ConnectionSettings {
  readonly name: string;
  readonly clock: Clock;
  readonly reconnect: BackoffOptions;
  readonly heartbeatMs: number;
  readonly publishTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
  readonly secrets: Secrets;
}

/** Rejects with `ConnectFailedError` where the package is not installed. */
export function loadRedis(broker: string): Promise<RedisClientModule> {
  return loadClient<RedisClientModule>(broker, "redis@^6.0.0", () => import("redis"));
}

export function createClient(module: RedisClientModule, options: ClientOptions): RedisClient {
  return module.createClient(options as never) as RedisClient;
}
