import type { ConnectionClosedError } from "../../traits/errors.ts";
import { loadClient } from "../shared/load-client.ts";
import type { RequestFault } from "./errors.ts";

// The part of a NATS client that is called here, so that it stays an optional peer and a fake of it stays short. The
// connections of `nats` 2.29 and of `@nats-io/nats-core` 3.4 (`@nats-io/transport-node`) both have it, so the same code
// runs over either. JetStream is spoken over it in its own protocol: neither client's JetStream part is needed.

/** The part of a NATS client that tidelane calls. The packages `nats` and `@nats-io/transport-node` both have it. */
export interface ClientModule {
  connect(options: ClientOptions): Promise<ClientConnection>;
  headers(): ClientHeaders;
}

/** What tidelane passes to the client's `connect`. The client has more options; see `NatsOptions.clientOptions`. */
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
  /** Milliseconds until the next attempt. The clients call it more than once between two attempts. */
  reconnectDelayHandler: () => number;
  inboxPrefix: string;
}

/**
 * Answers the server's challenge. The clients' `nkeyAuthenticator`, `jwtAuthenticator` and `credsAuthenticator`
 * make one.
 */
export type ClientAuthenticator = (nonce?: string) => ClientAuth;

/** What an authenticator answers. */
export type ClientAuth =
  // biome-ignore lint/suspicious/noConfusingVoidType: the type of the clients, which has to fit in both directions
  | void
  | { auth_token: string }
  | { user: string; pass?: string }
  | { nkey: string; sig: string }
  | { jwt: string; nkey?: string; sig?: string };

/** TLS options. The client reads the files when it connects. The other fields are those of `node:tls`. */
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

/** The part of a client's connection that tidelane calls. */
export interface ClientConnection {
  /** About the server it is connected to. Undefined once it is closed, and while it reconnects. */
  readonly info?: ClientServerInfo;
  /** Throws if the client refuses the message. While disconnected, the client drops it silently. */
  publish(subject: string, payload?: Uint8Array, options?: ClientPublishOptions): void;
  subscribe(subject: string, options: ClientSubscribeOptions): ClientSubscription;
  /** Resolves when the server has seen everything before it. Never settles if the connection is closed meanwhile. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Resolves when it is closed for good, with an error if that was the reason. */
  closed(): Promise<unknown>;
  isClosed(): boolean;
  /** In 2.29 it does not end when the connection is closed. */
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
  /** Called while the client reads its socket. If it throws, the client stops reading, and nothing reports it. */
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
  /** A view of what was read from the socket. */
  readonly data: Uint8Array;
  /** The getter throws on a name that the client refuses. */
  readonly headers?: ClientHeaders;
}

/**
 * Headers by name, in the case they were written. The values of a name keep their order. Space around a value is
 * cut off.
 */
export interface ClientHeaders extends Iterable<[name: string, values: string[]]> {
  /** The code of a status message; 0 otherwise. */
  readonly code: number;
  readonly description: string;
  append(name: string, value: string): void;
}

/**
 * A change of the connection: "disconnect", "reconnecting" (an attempt), "reconnect" or "error". tidelane ignores
 * other types. An error has its details in `permissionContext` in 2.29, and in `error` in 3.4.
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
  /** We closed it, rather than it being lost. */
  readonly intended: boolean;
  readonly cause?: unknown;
}

/** What hears of changes of a connection. None of these may throw. */
export interface ConnectionListener {
  /** It is over for good. */
  connectionEnded(ending: ConnectionEnd): void;
  /** It is lost for now. What was sent last may not have arrived, and the client drops what it is given now. */
  connectionLost?(): void;
  connectionRestored?(): void;
  /** The server refused a publish to `subject`. Returns whether the listener reports it to the publisher. */
  publishRefused?(subject: string, fault: RequestFault): boolean;
}

/** A connection of the client that reconnects, as consumers and publishers use it. */
export interface ServerConnection {
  readonly broker: string;
  /** Whether the server gets what is sent now. It may be true while we close it, too. */
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
   * Sends within this turn of the event loop, and before whatever is sent after it. All of a turn shares one write to the
   * socket: acks that were written one by one took 14 of the 26 µs of their messages. If the connection is lost first,
   * nothing reports it.
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
   * Resolves when the server has everything that was sent before, and the listeners know its refusals. Rejects with a
   * `RequestFault` if the connection is lost or ends first.
   */
  flush(): Promise<void>;
}

/** Rejects with `ConnectFailedError` where the package is not installed. */
export function loadNats(broker: string): Promise<ClientModule> {
  return loadClient<ClientModule>(broker, "nats@^2.29.0", () => import("nats"));
}
