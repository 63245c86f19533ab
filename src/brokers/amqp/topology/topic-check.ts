import { deferred } from "../../../traits/deferred.ts";
import { AbortedError, TimeoutError } from "../../../traits/errors.ts";
import { unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import { closeChannel } from "../client.ts";
import type { Link } from "../connection/reconnecting-connection.ts";
import { publishFailure, readFault, unroutable } from "../errors.ts";

/** What is asked for: the queue named by the routing key for the default exchange, else the exchange. */
export interface TopicPlace {
  readonly topic: string;
  readonly exchange: string;
  readonly routingKey: string;
}

const what = "checkTopic()";

/** Rejects as a publish there would: when nothing takes the message, and when nobody answers in `publishTimeoutMs`. */
export async function checkPlace(
  link: Link,
  place: TopicPlace,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { publishTimeoutMs: timeoutMs, clock } = link.settings;
  const { promise, resolve, reject } = deferred<void>();
  const expire = (): void => {
    reject(new TimeoutError({ what: `${what} of ${JSON.stringify(place.topic)}`, timeoutMs }));
  };
  const timer = Number.isFinite(timeoutMs) ? clock.schedule(timeoutMs, expire) : undefined;
  const caller = { onAbort: () => reject(new AbortedError({ what, cause: signal?.reason })) };
  if (signal !== undefined) watchAbort(signal, caller);
  ask(link, place).then(resolve, reject);
  try {
    await promise;
  } finally {
    timer?.cancel();
    if (signal !== undefined) unwatchAbort(signal, caller);
  }
}

/** n.b. the server closes the channel on which it was asked for what is missing: so that channel is used for nothing else. */
async function ask(link: Link, { topic, exchange, routingKey }: TopicPlace): Promise<void> {
  const session = await link.whenUp(what);
  try {
    const channel = await session.client.createChannel();
    channel.on("error", () => {});
    if (exchange === "") await channel.checkQueue(routingKey);
    else await channel.checkExchange(exchange);
    closeChannel(channel).catch(() => {});
  } catch (error) {
    const { code, text } = readFault(error);
    // Somebody has the queue alone: nobody else may ask about it, and everybody may publish to it.
    if (code === 405) return;
    // n.b. a queue whose node is down is answered with 404 too, and comes back.
    if (code === 404 && exchange === "" && text.includes("no queue "))
      throw unroutable(topic, exchange, routingKey);
    throw publishFailure(topic, session.over ? session.fault : error, link.settings.secrets);
  }
}
