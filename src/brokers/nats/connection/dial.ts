import { AbortedError, throwIfAborted } from "../../../traits/errors.ts";
import { connectInTime } from "../../shared/first-connect.ts";
import { within } from "../../shared/within.ts";
import { type ClientConnection, type ClientModule, type ClientOptions, loadNats } from "../client.ts";
import { connectError } from "../errors.ts";
import type { NatsSettings } from "../options.ts";
import { CoreConnection } from "./core-connection.ts";
import { ReconnectDelay } from "./reconnect-delay.ts";
import { ServerConnection } from "./server-connection.ts";

/**
 * Connects, or takes the connection that was handed in. `check` is part of each try. Rejects with `ConnectFailedError` or
 * `AbortedError`.
 */
export async function dial(
  settings: NatsSettings,
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
    const server = new ServerConnection(opened, { broker, secrets, delay, borrowed });
    const connection = new CoreConnection(server, settings, client.headers, borrowed);
    try {
      await check(connection);
      return connection;
    } catch (error) {
      await connection.shutdown();
      throw error;
    }
  });
}

async function connect(
  client: ClientModule,
  settings: NatsSettings,
  delay: ReconnectDelay,
  signal: AbortSignal | undefined,
): Promise<ClientConnection> {
  const attempt = client.connect(clientOptions(settings, delay)).catch((error: unknown) => {
    throw connectError(settings.name, settings.address.servers.join(", "), error, settings.secrets);
  });
  return signal === undefined ? attempt : abortable(attempt, settings, signal);
}

/** The client cannot be told to stop: a connection that comes too late is closed. */
function abortable(
  attempt: Promise<ClientConnection>,
  { clock, closeTimeoutMs }: NatsSettings,
  signal: AbortSignal,
): Promise<ClientConnection> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new AbortedError({ what: "connect()", cause: signal.reason }));
      const closed = attempt.then((late) => late.close());
      void within(clock, closeTimeoutMs, closed);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", onAbort);
    attempt.finally(settled).then(resolve, reject);
  });
}

function clientOptions(settings: NatsSettings, delay: ReconnectDelay): ClientOptions {
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
