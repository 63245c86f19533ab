import { byKey, pipeline } from "tidelane";
import { AmqpBroker, amqpQueue } from "tidelane/amqp";
import { Handler } from "../parts/handler.ts";
import type { Order } from "../parts/scenario.ts";
import { readSite } from "../parts/site.ts";

// docs/brokers/rabbitmq.md, Order and Retry: lanes by key, retries in place, a dead letter topic.
const site = readSite();
const handler = new Handler(site.journal);
const connection = await new AmqpBroker({ url: site.address }).connect();
const orders = await connection.subscribe(
  amqpQueue(site.queue, { create: { singleActiveConsumer: true }, maxInFlight: 64 }),
);
const run = pipeline(orders, {
  // The failures are planned, and the judge counts them.
  onError: () => {},
})
  .workers(site.workers, byKey)
  .onFailure({
    maxAttempts: site.attempts,
    backoff: { initialMs: 20 },
    deadLetter: { topic: site.deadQueue, publisher: connection.publisher() },
  })
  .handle((message) => handler.handle(message.json() as Order));
await run.done;
