import { setTimeout as sleep } from "node:timers/promises";
import { type ConsumeMessage, connect } from "amqplib";
import { Handler } from "../parts/handler.ts";
import type { Order } from "../parts/scenario.ts";
import { readSite } from "../parts/site.ts";

// The worker of amqplib's tutorials with a promise chain for each key. No documentation teaches it, so here are two of them.
// In the short one a failure goes back to the queue. In the long one (`retry`) the chain itself tries again, and publishes
// the message to the dead letter queue after the last attempt.
const site = readSite();
const retries = process.argv.includes("retry");
const handler = new Handler(site.journal);
const connection = await connect(site.address);
const channel = await connection.createConfirmChannel();
const chains = new Map<string, Promise<void>>();

await channel.prefetch(site.workers);
await channel.consume(site.queue, (message) => {
  if (message === null) return;
  const order: Order = JSON.parse(message.content.toString());
  const before = chains.get(order.key) ?? Promise.resolve();
  const next = before.then(() => (retries ? work(order, message) : once(order, message)));
  chains.set(order.key, next);
  void next.then(() => {
    // Or the map grows with every key there ever was.
    if (chains.get(order.key) === next) chains.delete(order.key);
  });
});

async function once(order: Order, message: ConsumeMessage): Promise<void> {
  try {
    await handler.handle(order);
    channel.ack(message);
  } catch {
    channel.reject(message, true);
  }
}

async function work(order: Order, message: ConsumeMessage): Promise<void> {
  for (let attempt = 1; attempt <= site.attempts; attempt += 1) {
    try {
      await handler.handle(order);
      channel.ack(message);
      return;
    } catch {
      await sleep(10 * 2 ** attempt);
    }
  }
  channel.sendToQueue(site.deadQueue, message.content, { persistent: true });
  await channel.waitForConfirms();
  channel.ack(message);
}
