import type { ConnectionClosedError } from "../../traits/errors.ts";
import { loadClient } from "../shared/load-client.ts";
import type { RequestFault } from "./errors.ts";

// The part of a NATS client that is called here, so that it stays an optional peer and a fake of it stays short. The
// connections of `nats` 2.29 and of `@nats-io/nats-core` 3.4 (`@nats-io/transport-node`) both have it, so the same code
// runs over either. JetStream is spoken over it in its own protocol: neither client's JetStream part is needed.

/** What `import("nats")` and `import("@nats-io/transport-node")` have in common. */
export interface ClientModule {
  connect(options: ClientOptions): Promise<ClientConnection>;
  headers(): ClientHeaders;
}

/** What we say when we connect; the client has more, see `NatsOptions.clientOptions`. */
export interface ClientOptions {
  servers: string[];
  name?: string;
  user?: string;
  pass?: string;
  token?: string;
  authenticator?: ClientAuthenticator;
  tls?: ClientTlsOptions;
  timeout: number;
  pingInterval: number;
  maxPingOut: number;
  reconnect: boolean;
  maxReconnectAttempts: number;
  /** Milliseconds until the next attempt. n.b. asked more than once between two attempts. */
  reconnectDelayHandler: () => number;
  inboxPrefix: string;
}

/** Answers the server's challenge: `nkeyAuthenticator`, `jwtAuthenticator`, `credsAuthenticator` of the clients make one. */
export type ClientAuthenticator = (nonce?: string) => ClientAuth;

export type ClientAuth =
  // biome-ignore lint/suspicious/noConfusingVoidType: the type of the clients, which has to fit in both directions
  | void
  | { auth_token: string }
  | { user: string; pass?: string }
  | { nkey: string; sig: string }
  | { jwt: string; nkey?: string; sig?: string };

/** Files are read when a connection is made; the other fields are those of `node:tls`. */
export interface ClientTlsOptions {
  readonly ca?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly handshakeFirst?: boolean;
  readonly rejectUnauthorized?: boolean;
}

export interface ClientConnection {
  /** About the server it is connected to. n.b. undefined once it is closed, and while it reconnects. */
  readonly info?: ClientServerInfo;
  /** Throws where the client refuses; says nothing about the server. n.b. lost without a word while disconnected. */
  publish(subject: string, payload?: Uint8Array, options?: ClientPublishOptions): void;
  subscribe(subject: string, options: ClientSubscribeOptions): ClientSubscription;
  /** Resolves when the server has seen everything before it. n.b. never settles when the connection is closed meanwhile. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Resolves when it is closed for good, with an error if that was the reason. */
  closed(): Promise<unknown>;
  isClosed(): boolean;
  /** n.b. in 2.29 it does not end when the connection is closed. */
  status(): AsyncIterable<ClientStatus>;
  /** `host:port` */
  getServer(): string;
}

export interface ClientServerInfo {
  readonly version: string;
  readonly max_payload: number;
  readonly headers?: boolean;
}

export interface ClientPublishOptions {
  reply?: string;
  headers?: ClientHeaders;
}

export interface ClientSubscribeOptions {
  queue?: string;
  /** n.b. called while a socket is read: the connection is dead without a word if it throws. */
  callback: (error: Error | null, message: ClientMessage) => void;
}

export interface ClientSubscription {
  unsubscribe(): void;
  /** Resolves when nothing more will come. */
  drain(): Promise<void>;
}

export interface ClientMessage {
  readonly subject: string;
  readonly reply?: string;
  /** n.b. a view of what was read from the socket. */
  readonly data: Uint8Array;
  /** n.b. read throws on a name the client does not take. */
  readonly headers?: ClientHeaders;
}

/** By name, as it is written; values of one name keep their order. n.b. space around a value is cut off. */
export interface ClientHeaders extends Iterable<[name: string, values: string[]]> {
  /** Of a status message, 0 otherwise. */
  readonly code: number;
  readonly description: string;
  append(name: string, value: string): void;
}

/**
 * "disconnect", "reconnecting" (an attempt), "reconnect", "error"; others are not looked at. What came with an error is
 * in `permissionContext` in 2.29 and in `error` in 3.4.
 */
export interface ClientStatus {
  readonly type: string;
  readonly data?: unknown;
  readonly error?: unknown;
  readonly permissionContext?: unknown;
}

/** How a connection ended. */
export interface ConnectionEnd {
  readonly reason: string;
  /** We shut it down, rather than it being lost. */
  readonly intended: boolean;
  readonly cause?: unknown;
}

/** What lives no longer than its connection. None of these may throw. */
export interface ConnectionListener {
  /** It is over for good. */
  connectionEnded(ending: ConnectionEnd): void;
  /** It is lost for now: what was sent last may not have arrived, and what is sent now goes nowhere. */
  connectionLost?(): void;
  connectionRestored?(): void;
  /** The server refused a publish to `subject`. Whether whoever published is told by this. */
  publishRefused?(subject: string, fault: RequestFault): boolean;
}

/** A connection of the client that reconnects, as consumers and publishers use it. */
export interface ServerConnection {
  readonly broker: string;
  /** Whether what is sent now has somewhere to go, also while we are shutting down. */
  readonly up: boolean;
  /** Of payload and headers together. */
  readonly maxPayloadBytes: number;
  /** Of the server: "2.9.10". */
  readonly version: string;
  add(listener: ConnectionListener): void;
  delete(listener: ConnectionListener): void;
  /** Throws `ConnectionClosedError` once it is over. */
  check(during: string): void;
  closedError(during: string): ConnectionClosedError;
  publish(subject: string, payload: Uint8Array, options?: ClientPublishOptions): void;
  /**
   * Sent before this turn of the event loop is over, and before whatever is sent after it. One write to the socket takes
   * what a turn has gathered: acks that were written one by one took 14 of the 26 µs of their messages. Nobody is told
   * when the connection is lost first.
   */
  publishBatched(subject: string, payload: Uint8Array): void;
  /** `take` and `fault` are called while a socket is read, and must not throw. After a fault nothing more comes. */
  subscribe(
    subject: string,
    queue: string | undefined,
    take: (message: ClientMessage) => void,
    fault: (error: RequestFault) => void,
  ): ClientSubscription;
  /**
   * Resolves when the server has taken all that was sent before, and its refusals have been told. Rejects with a
   * `RequestFault` when the connection is lost or ends first.
   */
  flush(): Promise<void>;
}

/** Rejects with `ConnectFailedError` where the package is not installed. */
export function loadNats(broker: string): Promise<ClientModule> {
  return loadClient<ClientModule>(broker, "nats@^2.29.0", () => import("nats"));
}
