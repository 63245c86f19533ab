import { ConnectFailedError, InvalidArgumentError, isTidelaneError } from "../../../traits/errors.ts";
import { connectInTime } from "../../shared/first-connect.ts";
import { Secrets } from "../../shared/secrets.ts";
import { type AmqpClient, closeChannel, loadAmqplib } from "../client.ts";
import { channelFault, scrub } from "../errors.ts";
import { type AmqpBrokerOptions, checkOptions } from "../options/options.ts";
import { declareTopology } from "../topology/topology.ts";
import { type Address, parseAddress } from "./address.ts";
import { ReconnectingConnection } from "./reconnecting-connection.ts";
import { type ConnectSettings, SocketConnection } from "./socket-connection.ts";

export function connectSettings(options: AmqpBrokerOptions): ConnectSettings {
  const settings = checkOptions(options);
  const addresses = parseAddresses(settings.url);
  return {
    ...settings,
    addresses,
    secrets: new Secrets([
      ...addresses.map(({ password }) => password),
      ...addresses.map(({ password }) => encodeURIComponent(password)),
      settings.tls.passphrase,
    ]),
  };
}

function parseAddresses(url: string | readonly string[]): readonly [Address, ...Address[]] {
  const urls = Array.isArray(url) ? url : [url];
  const [first, ...rest] = urls.map((each) => parseAddress("options.url", each));
  if (first !== undefined) return [first, ...rest];
  throw new InvalidArgumentError({ argument: "options.url", expected: "at least one URL", received: url });
}

/** Rejects with `ConnectFailedError` or `AbortedError`. */
export async function dial(
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<ReconnectingConnection> {
  const client = settings.client ?? (await loadAmqplib(settings.name));
  const first = await connectInTime(settings.connect, settings.reconnect, settings.clock, signal, () =>
    tryAddresses(client, settings, signal),
  );
  return new ReconnectingConnection(settings, first, (attempt, stopping) =>
    open(client, settings, attempt, stopping),
  );
}

/**
 * Tries each address once. Throws the error of the last one, or of the first that refused for good, because trying again
 * would only repeat that refusal.
 */
async function tryAddresses(
  client: AmqpClient,
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<SocketConnection> {
  let failure: unknown;
  for (let index = 0; index < settings.addresses.length; index += 1) {
    try {
      return await open(client, settings, index, signal);
    } catch (error) {
      if (isTidelaneError(error, "TIDELANE_ABORTED")) throw error;
      if (!isRefusal(failure)) failure = error;
    }
  }
  throw failure;
}

/** A failure that another attempt would not change. */
function isRefusal(error: unknown): boolean {
  return isTidelaneError(error) && !error.retryable;
}

/** One attempt: connects to one address, which is another one each time, and declares the topology of the options. */
async function open(
  client: AmqpClient,
  settings: ConnectSettings,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<SocketConnection> {
  const { addresses, topology } = settings;
  const address = addresses[attempt % addresses.length] ?? addresses[0];
  const connection = await SocketConnection.open(client, settings, address, signal);
  if (Object.values(topology).every((list) => list.length === 0)) return connection;
  try {
    await declareAll(connection, settings, signal);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function declareAll(
  connection: SocketConnection,
  { name, topology, secrets }: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = (): void => void connection.close();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const channel = await connection.client.createChannel();
    channel.on("error", () => {});
    await declareTopology(channel, topology, connection.server);
    await closeChannel(channel);
  } catch (error) {
    const { reason, final } = channelFault(error);
    throw new ConnectFailedError({
      broker: name,
      reason: secrets.clean(`its topology could not be declared: ${reason}`),
      retryable: !final,
      cause: scrub(error, secrets),
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
