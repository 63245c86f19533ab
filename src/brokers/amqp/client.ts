import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../../traits/clock.ts";
import type { ConnectFailedError, ConnectionClosedError } from "../../traits/errors.ts";
import type { BackoffOptions } from "../shared/backoff.ts";
import { loadClient } from "../shared/load-client.ts";
import type { Secrets } from "../shared/secrets.ts";

// The part of amqplib 2.3 that is called here, so that it stays an optional peer and a fake of it stays short.

/** The part of the package `amqplib` that tidelane calls. */
export interface AmqpClient {
  connect(target: ConnectTarget, socket: SocketSettings): Promise<ClientConnection>;
}

export interface ConnectTarget {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Percent-encoded: the client decodes it. */
  readonly vhost: string;
  /** Seconds; 0 is none. */
  readonly heartbeat: number;
  readonly frameMax?: number;
  readonly channelMax?: number;
}

/** TLS options of `node:tls`: `ca`, `cert`, `key`, `servername` and others. */
export type AmqpTls = Omit<ConnectionOptions, "timeout">;

/** Handed on to `net.connect` or `tls.connect`, which destroy the socket when `signal` fires. */
export interface SocketSettings extends AmqpTls {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /** Bytes. */
  readonly highWaterMark: number;
  readonly clientProperties: Record<string, unknown>;
  readonly signal: AbortSignal;
}

export interface ServerVersion {
  readonly product: string;
  readonly version: string;
  readonly major: number;
}

/**
 * When it ends: "error" comes first, unless the server or we ended it in good order; then "close" on every channel,
 * which rejects what was waiting there; then "close" here.
 */
export interface ClientConnection {
  readonly connection: {
    readonly serverProperties: { readonly [name: string]: unknown };
    /** Missing in its types. */
    readonly frameMax?: number;
    /** The socket. Missing in its types. */
    readonly stream?: ClientStream;
  };
  createChannel(): Promise<ClientChannel>;
  createConfirmChannel(): Promise<ClientConfirmChannel>;
  close(): Promise<void>;
  on(event: "error" | "close", listener: (error?: unknown) => void): unknown;
  on(event: "blocked", listener: (reason: string) => void): unknown;
  on(event: "unblocked", listener: () => void): unknown;
}

/** Of `node:stream`. */
export interface ClientStream {
  cork(): void;
  uncork(): void;
}

/** An exception thrown in `onMessage` or a listener ends the whole connection. */
export interface ClientChannel {
  assertQueue(queue: string, options: QueueSettings): Promise<{ readonly queue: string }>;
  /** Refused, and the channel closed, where there is none. */
  checkQueue(queue: string): Promise<{ readonly consumerCount: number }>;
  /** The same of an exchange. */
  checkExchange(exchange: string): Promise<unknown>;
  assertExchange(exchange: string, type: string, options: ExchangeSettings): Promise<unknown>;
  bindQueue(queue: string, exchange: string, routingKey: string, args?: AmqpTable): Promise<unknown>;
  bindExchange(target: string, exchange: string, routingKey: string, args?: AmqpTable): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  /** `null`: the server has cancelled the consumer. */
  consume(
    queue: string,
    onMessage: (message: ClientMessage | null) => void,
    options: ConsumeSettings,
  ): Promise<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  ack(message: DeliveryRef, allUpTo: boolean): void;
  reject(message: DeliveryRef, requeue: boolean): void;
  close(): Promise<void>;
  /** "error" comes only when the channel alone is closed by the server, and before "close". */
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "close" | "drain", listener: () => void): unknown;
}

export interface ClientConfirmChannel extends ClientChannel {
  /** `false`: its buffer is full, "drain" says when it is not. Throws on what it cannot encode. */
  publish(exchange: string, routingKey: string, content: Buffer, options: PublishSettings): boolean;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "close" | "drain", listener: () => void): unknown;
  on(event: "ack" | "nack", listener: (confirm: Confirm) => void): unknown;
  on(event: "return", listener: (message: ReturnedMessage) => void): unknown;
}

/** Of publishes, which are numbered from 1 on each channel. */
export interface Confirm {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

export interface DeliveryRef {
  readonly fields: { readonly deliveryTag: number };
}

export interface ClientMessage {
  readonly content: Buffer;
  readonly fields: {
    readonly deliveryTag: number;
    readonly redelivered: boolean;
    readonly exchange: string;
    readonly routingKey: string;
  };
  readonly properties: AmqpProperties;
}

export interface ReturnedMessage {
  readonly content: Buffer;
  readonly fields: { readonly exchange: string; readonly routingKey: string };
  readonly properties: AmqpProperties;
}

/** A value of a table as amqplib gives and takes it: numbers, text, `Buffer`, arrays, tables, `{ "!": type, value }`. */
export type AmqpField = unknown;

/** A table of AMQP, as amqplib takes and gives it. */
export interface AmqpTable {
  readonly [name: string]: AmqpField;
}

/**
 * The properties of a message, as the client gives them. They include what `message.headers` leaves out or
 * converts.
 */
export interface AmqpProperties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: AmqpTable | undefined;
  readonly deliveryMode?: number | undefined;
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
}

export interface QueueSettings {
  readonly durable: boolean;
  readonly exclusive?: boolean;
  readonly autoDelete?: boolean;
  readonly arguments: AmqpTable;
}

export interface ExchangeSettings {
  readonly durable: boolean;
  readonly autoDelete?: boolean;
  readonly internal?: boolean;
  readonly arguments: AmqpTable;
}

export interface ConsumeSettings {
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  readonly priority?: number;
}

export interface PublishSettings {
  readonly mandatory?: boolean;
  readonly persistent?: boolean;
  readonly priority?: number;
  /** Milliseconds. */
  readonly expiration?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly correlationId?: string;
  readonly messageId?: string;
  readonly replyTo?: string;
  readonly timestamp?: number;
  readonly type?: string;
  readonly appId?: string;
  readonly headers: AmqpTable;
}

/** What consumers and publishers go by. */
export interface ConnectionSettings {
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly reconnect: BackoffOptions;
  readonly publishTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
}

/** One connection of the client, from its handshake to its end. The next one shares nothing with it. */
export interface OpenConnection {
  readonly client: ClientConnection;
  readonly server: ServerVersion;
  /** Whether it has ended, and what ended it. */
  readonly over: boolean;
  readonly fault: unknown;
  /** Why the server takes no publishes now. */
  readonly blocked: string | undefined;
  readonly writes: { gather(): void };
}

/** Has to know what happens to a connection. */
export interface ConnectionListener {
  /** There is an open connection again. */
  connectionRestored?(): void;
  /** The server takes publishes again. */
  connectionUnblocked?(): void;
  /** It was closed, or is lost for good with this error. What is returned is awaited, so it must be bounded in time. */
  connectionEnded(failure: ConnectFailedError | undefined): Promise<void> | void;
}

/** A connection over all its reconnects, as consumers and publishers see it. */
export interface ServerConnection {
  readonly settings: ConnectionSettings;
  /** Undefined while the connection is lost. */
  readonly current: OpenConnection | undefined;
  /** The open connection, as soon as there is one. Rejects with `ConnectionClosedError` when there will be none. */
  whenOpen(during: string): Promise<OpenConnection>;
  add(listener: ConnectionListener): void;
  delete(listener: ConnectionListener): void;
  /** Throws `ConnectionClosedError` once it is over. */
  check(during: string): void;
  closedError(during: string): ConnectionClosedError;
}

export function loadAmqplib(broker: string): Promise<AmqpClient> {
  return loadClient<AmqpClient>(broker, "amqplib@^2.3.0", () => import("amqplib"));
}

/**
 * Resolves when the channel is closed: by the server's answer, or with its connection. amqplib forgets a `close()` whose
 * connection is lost before the answer, and its promise never settles. Rejects where the channel was closed already.
 */
export function closeChannel(channel: ClientChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.on("close", resolve);
    // An async function, so that a client that throws rejects.
    (async () => channel.close())().then(resolve, reject);
  });
}
