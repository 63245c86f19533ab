// A failing delivery is retried in place, so its key stays in order. After three attempts it is dead-lettered.
import { byKey, headerNames, MemoryBroker, pipeline } from "tidelane";

const connection = await new MemoryBroker().connect();
const payments = await connection.subscribe("payments");
const setAside = await connection.subscribe("payments.dead");
const publisher = connection.publisher();

await publisher.publish({ topic: "payments", payload: "10", key: "ann" });
await publisher.publish({ topic: "payments", payload: "oops", key: "ann" });
await publisher.publish({ topic: "payments", payload: "30", key: "ann" });

const run = pipeline(payments, { onError: ({ error }) => console.log(`failed: ${(error as Error).message}`) })
  .workers(4, byKey)
  .onFailure({
    maxAttempts: 3,
    backoff: { initialMs: 5 },
    deadLetter: { topic: "payments.dead", publisher },
  })
  .handle((message, { attempt }) => {
    const amount = Number(message.text());
    if (Number.isNaN(amount)) throw new Error(`not an amount, attempt ${attempt}`);
    console.log(`paid ${amount}`);
  });

for await (const dead of setAside) {
  console.log(`${dead.text()} was set aside: ${dead.headers.get(headerNames.deadLetterReason)}`);
  await dead.ack();
  break;
}
await run.drain();
await connection.close();

/* prints:
paid 10
failed: not an amount, attempt 1
failed: not an amount, attempt 2
failed: not an amount, attempt 3
oops was set aside: given up after 3 attempts; the handler failed: Error: not an amount, attempt 3
paid 30
*/
