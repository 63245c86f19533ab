import type { ClientChannel } from "../client.ts";

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
