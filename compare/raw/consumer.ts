import { connect } from "amqplib";
import { Handler } from "../parts/handler.ts";
import type { Order } from "../parts/scenario.ts";
import { readSite } from "../parts/site.ts";

// The worker of amqplib's tutorials (https://amqp-node.github.io/amqplib/, examples/tutorials/worker.js): an ack after the
// work, and a prefetch as large as the number of messages to handle at once. A failure goes back to the queue, whose delivery
// limit and dead letter exchange end it: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling.
const site = readSite();
const handler = new Handler(site.journal);
const connection = await connect(site.address);
const channel = await connection.createChannel();
await channel.prefetch(site.workers);
await channel.consume(site.queue, (message) => {
  if (message === null) return;
  const order: Order = JSON.parse(message.content.toString());
  handler.handle(order).then(
    () => channel.ack(message),
    // RabbitMQ 4.3 counts a reject as a failed delivery, but not a nack.
    () => channel.reject(message, true),
  );
});
