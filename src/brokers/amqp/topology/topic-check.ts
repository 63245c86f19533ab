import { deferred } from "../../../traits/deferred.ts";
import { TimeoutError } from "../../../traits/errors.ts";
import { PendingCall } from "../../shared/pending-call.ts";
import { closeChannel, type ServerConnection } from "../client.ts";
import { publishFailure, readFault, unroutable } from "../errors.ts";

/** Where a message is published. On the default exchange ("") the routing key names a queue. */
export interface Route {
  readonly topic: string;
  readonly exchange: string;
  readonly routingKey: string;
}

const what = "checkTopic()";

/** Rejects as a publish there would: when nothing takes the message, and when nobody answers in `publishTimeoutMs`. */
export async function checkRoute(
  connection: ServerConnection,
  route: Route,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { publishTimeoutMs: timeoutMs, clock } = connection.settings;
  const { promise, resolve, reject } = deferred<void>();
  const call = new PendingCall<void>(what, signal, { resolve, reject });
  const expire = (): void => {
    call.reject(new TimeoutError({ what: `${what} of ${JSON.stringify(route.topic)}`, timeoutMs }));
  };
  const timer = Number.isFinite(timeoutMs) ? clock.schedule(timeoutMs, expire) : undefined;
  ask(connection, route).then(
    () => call.resolve(),
    (error: unknown) => call.reject(error),
  );
  try {
    await promise;
  } finally {
    timer?.cancel();
  }
}

/** The server closes a channel that asks for a missing queue or exchange, so this channel does nothing else. */
async function ask(connection: ServerConnection, { topic, exchange, routingKey }: Route): Promise<void> {
  const opened = await connection.whenOpen(what);
  try {
    const channel = await opened.client.createChannel();
    channel.on("error", () => {});
    if (exchange === "") await channel.checkQueue(routingKey);
    else await channel.checkExchange(exchange);
    closeChannel(channel).catch(() => {});
  } catch (error) {
    const { code, text } = readFault(error);
    // Somebody has the queue alone: nobody else may ask about it, and everybody may publish to it.
    if (code === 405) return;
    // The server also answers 404 while the node of a queue is down.
    if (code === 404 && exchange === "" && text.includes("no queue "))
      throw unroutable(topic, exchange, routingKey);
    throw publishFailure(topic, opened.over ? opened.fault : error, connection.settings.secrets);
  }
}
