import { throwIfAborted } from "../../../traits/errors.ts";
import { within } from "../../shared/within.ts";
import type { AmqpClient, ClientConnection, ServerVersion } from "../client.ts";
import { connectFailure } from "../errors.ts";
import type { Settings } from "../options.ts";
import type { Address } from "./address.ts";
import { WriteGathering } from "./write-gathering.ts";

/** Who is told what happens to a session. Each is called at most once, except the last two. */
export interface SessionEvents {
  /** It is gone, and all its channels with it. */
  lost(cause: unknown): void;
  blocked(reason: string): void;
  unblocked(): void;
}

/** Bytes that go to the socket in one write. n.b. at 16 KiB, as it is by default, the client would stop to wait for it. */
const writeAhead = 256 * 1024;

/** One connection of the client, from its handshake to its end. Another one after it shares nothing with it. */
export class Session {
  readonly address: Address;
  readonly client: ClientConnection;
  readonly server: ServerVersion;
  readonly writes: WriteGathering;
  readonly #settings: Settings;
  /** Aborting it destroys the socket, whatever state the connection is in. */
  readonly #socket: AbortController;
  #over = false;
  #fault: unknown;
  /** Why the server takes no publishes now. */
  #blocked: string | undefined;
  #events: SessionEvents | undefined;

  private constructor(
    settings: Settings,
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
      this.#events?.blocked(reason);
    });
    client.on("unblocked", () => {
      this.#blocked = undefined;
      this.#events?.unblocked();
    });
  }

  /** Rejects with `ConnectFailedError`, or `AbortedError` by `signal`. */
  static async open(
    client: AmqpClient,
    settings: Settings,
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const socket = new AbortController();
    const onAbort = (): void => socket.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = settings.clock.schedule(settings.connectTimeoutMs, () => {
      socket.abort(new Error(`no answer in ${settings.connectTimeoutMs} ms`));
    });
    try {
      throwIfAborted(signal, "connect()");
      const connection = await handshake(client, settings, address, socket.signal);
      return new Session(settings, address, connection, socket);
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

  /** What ended it. */
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
  watch(events: SessionEvents): void {
    this.#events = events;
    if (this.#over) events.lost(this.#fault);
  }

  /** Says goodbye to the server for as long as `closeTimeoutMs`, then destroys the socket. Never rejects. */
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

/** n.b. the client has no way to take a connect back; what comes after `signal` fired is closed. */
async function handshake(
  client: AmqpClient,
  settings: Settings,
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
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    connecting.then(discard, () => {});
    throw error;
  }
}

function discard(connection: ClientConnection): void {
  connection.on("error", () => {});
  closing(connection).catch(() => {});
}

async function closing(connection: ClientConnection): Promise<void> {
  await connection.close();
}

function targetOf(settings: Settings, address: Address): Parameters<AmqpClient["connect"]>[0] {
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
