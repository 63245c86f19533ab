import { byKey, MemoryBroker, pipeline } from "tidelane";

/**
 * Sends messages through `workers(8, byKey)` on the memory broker to a consumer slower than the publisher, and prints
 * how far resident memory grew after the warm-up. Arguments: messages, messages of the warm-up.
 */
const messages = Number(process.argv[2] ?? 1_000_000);
const warmUp = Number(process.argv[3] ?? 200_000);
const mebibyte = 1024 * 1024;

const connection = await new MemoryBroker().connect();
const subscriber = await connection.subscribe("jobs");
const publisher = connection.publisher();
const payload = new Uint8Array(256);

let handled = 0;
let afterWarmUp = 0;
let peak = 0;
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const run = pipeline(subscriber)
  .workers(8, byKey)
  .handle(async () => {
    // Slower than the publisher, who is held back by the bound of the topic.
    await pause();
    handled += 1;
    if (handled % 10_000 !== 0) return;
    const resident = process.memoryUsage.rss();
    if (handled <= warmUp) afterWarmUp = Math.max(afterWarmUp, resident);
    else peak = Math.max(peak, resident);
  });

for (let index = 0; index < messages; index += 1) {
  await publisher.publish({ topic: "jobs", payload, key: `key-${index % 5_000}` });
}
while (handled < messages) await pause();
const report = await run.drain();
await connection.close();
const grewMiB = (peak - afterWarmUp) / mebibyte;
console.log(
  JSON.stringify({
    handled: report.handled,
    peakInFlight: report.peakInFlight,
    residentMiB: peak / mebibyte,
    grewMiB,
  }),
);
