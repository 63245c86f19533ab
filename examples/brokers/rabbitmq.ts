// memory.ts on RabbitMQ: a quorum queue for each topic, declared when it is subscribed to.
import { byKey, headerNames, pipeline } from "tidelane";
import { AmqpBroker, amqpQueue } from "tidelane/amqp";

const broker = new AmqpBroker({ url: process.env["AMQP_URL"] ?? "amqp://guest:guest@127.0.0.1:5672/" });
const source = (topic: string) => amqpQueue(topic, { declare: true });

// From here on it is the same on every broker.
const connection = await broker.connect();
const payments = await connection.subscribe(source("payments"));
const setAside = await connection.subscribe(source("payments.dead"));
const publisher = connection.publisher();

await publisher.publish({ topic: "payments", payload: "10", key: "ann" });
await publisher.publish({ topic: "payments", payload: "oops", key: "ann" });
await publisher.publish({ topic: "payments", payload: "30", key: "ann" });

const run = pipeline(payments, { onError: (error) => console.log(`failed: ${(error as Error).message}`) })
  .workers(4, byKey)
  .onFailure({
    maxAttempts: 3,
    backoff: { initialMs: 5 },
    deadLetter: { topic: "payments.dead", publisher },
  })
  .handle((message) => {
    const amount = Number(message.text());
    if (Number.isNaN(amount)) throw new Error("not an amount");
    console.log(`paid ${amount}`);
    if (amount === 30) void run.drain();
  });
await run.done;

for await (const dead of setAside) {
  console.log(
    `${dead.text()} was set aside after ${dead.headers.get(headerNames.deadLetterAttempts)} attempts`,
  );
  await dead.ack();
  break;
}
await connection.close();

/* prints:
paid 10
failed: not an amount
failed: not an amount
failed: not an amount
paid 30
oops was set aside after 3 attempts
*/
