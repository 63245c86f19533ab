// memory.ts on Kafka: topics made by the server, and a consumer group for each.
import { byKey, headerNames, pipeline } from "tidelane";
import { KafkaBroker, kafkaSource } from "tidelane/kafka";

const broker = new KafkaBroker({
  brokers: process.env["KAFKA_BROKERS"] ?? "127.0.0.1:9092",
  autoCreateTopics: true,
});
const source = (topic: string) => kafkaSource(topic, { group: `examples of ${topic}`, from: "start" });

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
