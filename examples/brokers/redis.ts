// memory.ts on Redis: a stream for each topic, made when it is subscribed to.
import { byKey, headerNames, pipeline } from "tidelane";
import { RedisBroker, redisSource } from "tidelane/redis";

const broker = new RedisBroker({ url: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379" });
const source = (topic: string) => redisSource(topic, { group: "example" });

// ---- the same on every broker ----

const connection = await broker.connect();
const payments = await connection.subscribe(source("example-payments"));
const setAside = await connection.subscribe(source("example-payments-dead"));
const publisher = connection.publisher();

const paid = new Map<string, string[]>();
let closed = 0;

const run = pipeline(payments, { onError: () => {} })
  .workers(4, byKey)
  .onFailure({
    maxAttempts: 3,
    backoff: { initialMs: 5 },
    deadLetter: { topic: "example-payments-dead", publisher },
  })
  .handle((message, { key = "", attempt }) => {
    const amount = message.text();
    if (amount === "oops") throw new Error("not an amount");
    if (amount === "20" && attempt === 1) throw new Error("the bank is busy");
    paid.set(key, [...(paid.get(key) ?? []), amount]);
    if (amount === "end") closed += 1;
    if (closed === 3) void run.drain();
  });

for (const amounts of ["10 30 1", "20 oops 2", "end end end"]) {
  const keys = ["ann", "bo", "cy"];
  for (const [index, payload] of amounts.split(" ").entries()) {
    await publisher.publish({ topic: "example-payments", payload, key: keys[index] ?? "" });
  }
}

const { handled, retries, deadLettered } = await run.done;
for (const [key, amounts] of [...paid].sort()) console.log(`${key}: ${amounts.join(", ")}`);
for await (const message of setAside) {
  console.log(`${message.text()}: ${message.headers.get(headerNames.deadLetterReason)}`);
  await message.ack();
  break;
}
console.log(`${handled} handled, ${retries} retries, ${deadLettered} set aside`);
await connection.close();
