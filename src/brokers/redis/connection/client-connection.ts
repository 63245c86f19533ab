import { isTidelaneError, throwIfAborted } from "../../../traits/errors.ts";
import { abortable } from "../../shared/abortable.ts";
import type { Secrets } from "../../shared/secrets.ts";
import {
  type Argument,
  createClient,
  type OpenConnection,
  type RedisClient,
  type RedisClientModule,
  type Reply,
  type ReplyOptions,
} from "../client.ts";
import { connectFailure } from "../errors.ts";
import type { RedisSettings } from "../options.ts";
import { type Address, urlOf } from "./address.ts";

/** What connecting needs beside the settings: where, and what must not be shown. */
export interface ConnectSettings extends RedisSettings {
  readonly address: Address;
  readonly secrets: Secrets;
}

/** Replies in bytes, where the protocol has them. 36 is `$`, the mark of a bulk string. */
const inBytes: ReplyOptions = { typeMapping: { 36: Buffer } };

/** One connection of the client, from its handshake to its end. It never comes back. */
export class ClientConnection implements OpenConnection {
  readonly #client: RedisClient;
  #over = false;
  #fault: unknown;
  #onLost: ((cause: unknown) => void) | undefined;

  private constructor(client: RedisClient) {
    this.#client = client;
    client.on("error", (error) => this.#end(error));
    client.on("end", () => this.#end(undefined));
  }

  /** Rejects with `ConnectFailedError` or `AbortedError`. */
  static async open(
    module: RedisClientModule,
    settings: ConnectSettings,
    signal: AbortSignal | undefined,
  ): Promise<ClientConnection> {
    throwIfAborted(signal, "connect()");
    const client = createClient(module, clientOptions(settings));
    const connection = new ClientConnection(client);
    try {
      await abortable(Promise.resolve(client.connect()), signal, "connect()");
      // The server takes connections before it has loaded its file, and refuses commands until then.
      await abortable(connection.call("EXISTS", "tidelane"), signal, "connect()");
      return connection;
    } catch (error) {
      connection.destroy();
      if (isTidelaneError(error, "TIDELANE_ABORTED")) throw error;
      throw connectFailure(settings.name, settings.address, connection.#fault ?? error, settings.secrets);
    }
  }

  get over(): boolean {
    return this.#over;
  }

  call(...args: Argument[]): Promise<Reply> {
    return this.#client.sendCommand(args, inBytes) as Promise<Reply>;
  }

  /** `lost` is called once, at once where it is lost already. */
  watch(lost: (cause: unknown) => void): void {
    this.#onLost = lost;
    if (this.#over) this.#tell();
  }

  destroy(): void {
    this.#onLost = undefined;
    this.#over = true;
    try {
      this.#client.destroy();
    } catch {
      // It is closed already.
    }
  }

  #end(cause: unknown): void {
    this.#fault ??= cause;
    if (this.#over) return;
    this.#over = true;
    this.#tell();
    this.destroy();
  }

  #tell(): void {
    const tell = this.#onLost;
    this.#onLost = undefined;
    tell?.(this.#fault ?? new Error("the connection was closed"));
  }
}

function clientOptions(settings: ConnectSettings) {
  const { address, heartbeatMs, clientOptions: given, tls } = settings;
  return {
    ...given,
    url: urlOf(address),
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    name: settings.name.replace(/[^\x21-\x7e]/g, "-"),
    RESP: 2,
    disableOfflineQueue: true,
    ...(heartbeatMs > 0 && { pingInterval: heartbeatMs }),
    socket: {
      ...(given["socket"] as object | undefined),
      ...tls,
      ...((address.protocol === "rediss" || tls !== undefined) && { tls: true }),
      connectTimeout: settings.connectTimeoutMs,
      ...(heartbeatMs > 0 && { socketTimeout: Math.ceil(heartbeatMs * 2.5) }),
      reconnectStrategy: false,
    },
  } as const;
}
