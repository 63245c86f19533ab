import { throwIfAborted } from "../../../traits/errors.ts";
import { abortable } from "../../shared/abortable.ts";
import type { Secrets } from "../../shared/secrets.ts";
import { within } from "../../shared/within.ts";
import type { AmqpClient, ClientConnection, OpenConnection, ServerVersion } from "../client.ts";
import { connectFailure } from "../errors.ts";
import type { Settings } from "../options/options.ts";
import type { Address } from "./address.ts";
import { WriteGathering } from "./write-gathering.ts";

export interface SocketEvents {
  /** The connection is gone, and all its channels with it. Called at most once. */
  lost(cause: unknown): void;
  unblocked(): void;
}

/** What connecting needs beside the settings: where, and what must not be shown. */
export interface ConnectSettings extends Settings {
  readonly addresses: readonly [Address, ...Address[]];
  readonly secrets: Secrets;
}

/** Bytes that go to the socket in one write. At 16 KiB, as it is by default, the client would stop to wait for it. */
const writeAhead = 256 * 1024;

/** One connection of the client, from its handshake to its end. */
export class SocketConnection implements OpenConnection {
  readonly address: Address;
  readonly client: ClientConnection;
  readonly server: ServerVersion;
  readonly writes: WriteGathering;
  readonly #settings: ConnectSettings;
  /** Aborting it destroys the socket, whatever state the connection is in. */
  readonly #socket: AbortController;
  #over = false;
  #fault: unknown;
  #blocked: string | undefined;
  #events: SocketEvents | undefined;

  private constructor(
    settings: ConnectSettings,
    address: Address,
    client: ClientConnection,
    socket: AbortController,
  ) {
    this.address = address;
    this.client = client;
    this.server = versionOf(client);
    this.writes = new WriteGathering(client.connection.stream);
    this.#settings = settings;
    this.#socket = socket;
    client.on("error", (error) => {
      this.#fault ??= error;
    });
    client.on("close", (error) => this.#closed(error));
    client.on("blocked", (reason) => {
      this.#blocked = reason;
    });
    client.on("unblocked", () => {
      this.#blocked = undefined;
      this.#events?.unblocked();
    });
  }

  /** Rejects with `ConnectFailedError`, or `AbortedError` by `signal`. */
  static async open(
    client: AmqpClient,
    settings: ConnectSettings,
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<SocketConnection> {
    const socket = new AbortController();
    const onAbort = (): void => socket.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = settings.clock.schedule(settings.connectTimeoutMs, () => {
      socket.abort(new Error(`no answer in ${settings.connectTimeoutMs} ms`));
    });
    try {
      throwIfAborted(signal, "connect()");
      const connection = await handshake(client, settings, address, socket.signal);
      return new SocketConnection(settings, address, connection, socket);
    } catch (error) {
      throwIfAborted(signal, "connect()");
      const cause = socket.signal.aborted ? socket.signal.reason : error;
      throw connectFailure(settings.name, address, cause, settings.secrets);
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  get over(): boolean {
    return this.#over;
  }

  get fault(): unknown {
    return this.#fault;
  }

  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** The largest frame both sides take; `Infinity` where that is not known. */
  get frameMax(): number {
    return this.client.connection.frameMax ?? Number.POSITIVE_INFINITY;
  }

  /** Tells `events` from now on; at once if it is lost already. */
  watch(events: SocketEvents): void {
    this.#events = events;
    if (this.#over) events.lost(this.#fault);
  }

  /** Closes it, and destroys the socket if the server has not answered after `closeTimeoutMs`. Never rejects. */
  async close(): Promise<void> {
    this.#events = undefined;
    if (!this.#over) await within(this.#settings.clock, this.#settings.closeTimeoutMs, closing(this.client));
    this.#socket.abort(new Error("the connection was closed"));
  }

  #closed(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#fault ??= error ?? new Error("the connection was closed");
    this.#blocked = undefined;
    this.#events?.lost(this.#fault);
  }
}

/** A connect of the client cannot be aborted, so a connection that comes too late is closed. */
function handshake(
  client: AmqpClient,
  settings: ConnectSettings,
  address: Address,
  signal: AbortSignal,
): Promise<ClientConnection> {
  const connecting = client.connect(targetOf(settings, address), {
    ...settings.tls,
    noDelay: true,
    keepAlive: true,
    highWaterMark: writeAhead,
    clientProperties: { connection_name: settings.name },
    signal,
  });
  return abortable(connecting, signal, "connect()", discard);
}

function discard(connection: ClientConnection): void {
  connection.on("error", () => {});
  closing(connection).catch(() => {});
}

async function closing(connection: ClientConnection): Promise<void> {
  await connection.close();
}

function targetOf(settings: ConnectSettings, address: Address): Parameters<AmqpClient["connect"]>[0] {
  const { protocol, host, port, username, password, vhost, heartbeat, frameMax, channelMax } = address;
  return {
    protocol,
    hostname: host,
    port,
    username,
    password,
    vhost: encodeURIComponent(vhost),
    heartbeat: heartbeat ?? settings.heartbeatMs / 1_000,
    ...(frameMax !== undefined && { frameMax }),
    ...(channelMax !== undefined && { channelMax }),
  };
}

function versionOf({ connection }: ClientConnection): ServerVersion {
  const { product, version } = connection.serverProperties;
  const text = String(version ?? "");
  return { product: String(product ?? "unknown"), version: text, major: Number.parseInt(text, 10) || 0 };
}
