import { connectInTime } from "../../shared/first-connect.ts";
import { Secrets } from "../../shared/secrets.ts";
import { loadRedis } from "../client.ts";
import { checkOptions, type RedisBrokerOptions } from "../options.ts";
import { parseAddress } from "./address.ts";
import { ClientConnection, type ConnectSettings } from "./client-connection.ts";
import { ReconnectingConnection } from "./reconnecting-connection.ts";

export function connectSettings(options: RedisBrokerOptions): ConnectSettings {
  const settings = checkOptions(options);
  const address = parseAddress("options.url", settings.url ?? "redis://127.0.0.1:6379");
  const { username, password } = address;
  const secrets = new Secrets([username, password, password && encodeURIComponent(password)]);
  return { ...settings, address, secrets };
}

/** Rejects with `ConnectFailedError` or `AbortedError`. */
export async function dial(
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<ReconnectingConnection> {
  const client = settings.client ?? (await loadRedis(settings.name));
  const open = (stopping: AbortSignal | undefined): Promise<ClientConnection> =>
    ClientConnection.open(client, settings, stopping);
  const first = await connectInTime(settings.connect, settings.reconnect, settings.clock, signal, () =>
    open(signal),
  );
  return ReconnectingConnection.start(settings, first, open);
}
