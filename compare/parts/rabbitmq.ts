import { type ConfirmChannel, connect } from "amqplib";
import { sharedServer } from "../../scripts/brokers/servers.ts";
import { type Holdings, type Name, type Station, UnavailableError } from "./contestant.ts";
import { nestPattern } from "./nest-pattern.ts";
import { attempts, type Order } from "./scenario.ts";

/**
 * A quorum queue with a single active consumer, the server's own means for order; all contestants have the same. Where the
 * server counts the attempts it has a delivery limit and a dead letter queue too: tidelane counts itself.
 */
export async function rabbitmqStation(name: Name): Promise<Station> {
  const server = await sharedServer("rabbitmq").catch((error: unknown) => {
    throw new UnavailableError(error instanceof Error ? error.message : String(error));
  });
  const { address } = server;
  const connection = await connect(address);
  const channel = await connection.createConfirmChannel();
  const queue = `compare-${name}-${process.pid}-${Date.now()}`;
  const deadQueue = `${queue}-dead`;
  const counted = name !== "tidelane" && name !== "promise-chain-retry";
  await channel.assertQueue(deadQueue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.assertQueue(queue, {
    durable: true,
    arguments: queueArguments(counted ? deadQueue : undefined),
  });
  return {
    server: await server.health(),
    address,
    queue,
    deadQueue,
    async publish(orders) {
      for (const order of orders) {
        channel.sendToQueue(queue, Buffer.from(payloadOf(name, order)), {
          persistent: true,
          contentType: "application/json",
          headers: { "partition-key": order.key },
        });
      }
      await channel.waitForConfirms();
    },
    holdings: () => holdings(channel, queue, deadQueue),
    async remove() {
      await channel.deleteQueue(queue);
      await channel.deleteQueue(deadQueue);
      await connection.close();
    },
  };
}

function queueArguments(deadQueue: string | undefined): Record<string, string | number | boolean> {
  const base = { "x-queue-type": "quorum", "x-single-active-consumer": true };
  if (deadQueue === undefined) return base;
  return {
    ...base,
    // The limit counts requeues, so the first delivery is not in it.
    "x-delivery-limit": attempts - 1,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": deadQueue,
  };
}

function payloadOf(name: Name, order: Order): string {
  return JSON.stringify(name === "nestjs" ? { pattern: nestPattern, data: order } : order);
}

/** Asked when the consumer is gone: what it held is back in the queue then. Puts the dead letters back where they were. */
async function holdings(channel: ConfirmChannel, queue: string, deadQueue: string): Promise<Holdings> {
  const { messageCount: queued } = await channel.checkQueue(queue);
  const deadLettered: number[] = [];
  for (;;) {
    const message = await channel.get(deadQueue);
    if (message === false) break;
    const content: { data?: Order } & Order = JSON.parse(message.content.toString());
    deadLettered.push((content.data ?? content).id);
  }
  channel.nackAll(true);
  return { queued, deadLettered };
}
