import { throwIfAborted } from "../../../traits/errors.ts";
import { abortable } from "../../shared/abortable.ts";
import { connectInTime } from "../../shared/first-connect.ts";
import { Secrets } from "../../shared/secrets.ts";
import {
  type ClientConnection,
  type ClientModule,
  type ClientOptions,
  type ClientTlsOptions,
  loadNats,
} from "../client.ts";
import { connectError } from "../errors.ts";
import { checkOptions, type NatsOptions, type NatsSettings } from "../options.ts";
import { type Address, addressOf } from "./address.ts";
import { CoreConnection } from "./core-connection.ts";
import { ReconnectDelay } from "./reconnect-delay.ts";
import { ReconnectingConnection } from "./reconnecting-connection.ts";

/** What connecting needs beside the settings: where, as whom, and how. */
export interface ConnectSettings extends NatsSettings {
  readonly address: Address;
  readonly tls: ClientTlsOptions | undefined;
  readonly secrets: Secrets;
}

export function connectSettings(options: NatsOptions, defaultName: string): ConnectSettings {
  const address = addressOf(options);
  return {
    ...checkOptions(options, defaultName),
    address,
    tls: options.tls === true || (options.tls === undefined && address.tls) ? {} : options.tls,
    secrets: new Secrets([address.user, address.password, address.token]),
  };
}

/**
 * Connects, or takes the connection that was handed in. `check` is part of each attempt. Rejects with `ConnectFailedError` or
 * `AbortedError`.
 */
export async function dial(
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
  check: (connection: CoreConnection) => Promise<void> = async () => {},
): Promise<CoreConnection> {
  throwIfAborted(signal, "connect()");
  const { client = await loadNats(settings.name) } = settings;
  throwIfAborted(signal, "connect()");
  const borrowed = "connection" in client;
  return connectInTime(settings.connect, settings.reconnect, settings.clock, signal, async () => {
    const delay = new ReconnectDelay(settings.reconnect);
    const opened = borrowed ? client.connection : await connect(client, settings, delay, signal);
    const { name: broker, secrets } = settings;
    const server = new ReconnectingConnection(opened, { broker, secrets, delay, borrowed });
    const connection = new CoreConnection(server, settings, client.headers, borrowed);
    try {
      await check(connection);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  });
}

async function connect(
  client: ClientModule,
  settings: ConnectSettings,
  delay: ReconnectDelay,
  signal: AbortSignal | undefined,
): Promise<ClientConnection> {
  const attempt = client.connect(clientOptions(settings, delay)).catch((error: unknown) => {
    throw connectError(settings.name, settings.address.servers.join(", "), error, settings.secrets);
  });
  // A connect of the client cannot be aborted, so a connection that comes too late is closed.
  return abortable(attempt, signal, "connect()", (late) => late.close());
}

function clientOptions(settings: ConnectSettings, delay: ReconnectDelay): ClientOptions {
  const { address, authenticator, tls, reconnect, clientOptions: further } = settings;
  const attempts = reconnect.maxAttempts ?? Number.POSITIVE_INFINITY;
  return {
    ...further,
    servers: [...address.servers],
    name: settings.name,
    ...(address.user === undefined ? {} : { user: address.user }),
    ...(address.password === undefined ? {} : { pass: address.password }),
    ...(address.token === undefined ? {} : { token: address.token }),
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls }),
    timeout: settings.connectTimeoutMs,
    pingInterval: settings.pingIntervalMs,
    maxPingOut: 2,
    reconnect: attempts > 0,
    maxReconnectAttempts: Number.isFinite(attempts) ? attempts : -1,
    reconnectDelayHandler: () => delay.waitMs,
    inboxPrefix: settings.inboxPrefix,
  };
}
