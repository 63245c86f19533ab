import { setTimeout as pause } from "node:timers/promises";
import { byKey, pipeline } from "tidelane";
import { AmqpBroker } from "tidelane/amqp";

/**
 * Run by slow-consumer.test.ts in a process of its own, with --expose-gc: handles messages of a queue for 1 ms each, and
 * prints how far resident memory grew after the warm-up. Arguments: address, queue, in flight, warm-up, messages.
 */
const [address = "", queue = "", ...counts] = process.argv.slice(2);
const [inFlight = 0, warmUp = 0, messages = 0] = counts.map(Number);
const mebibyte = 2 ** 20;

const connection = await new AmqpBroker({ url: address }).connect();
const subscriber = await connection.subscribe(queue, { maxInFlight: inFlight });

let handled = 0;
let start = 0;
let peak = 0;

const run = pipeline(subscriber)
  .workers(8, byKey, { maxInFlight: inFlight })
  .handle(async () => {
    await pause(1);
    handled += 1;
    if (handled === warmUp) {
      globalThis.gc?.();
      start = process.memoryUsage.rss();
    }
    if (handled > warmUp && handled % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss());
    if (handled === messages) void run.drain();
  });
const { peakInFlight } = await run.done;
await connection.shutdown();
process.stdout.write(
  `${JSON.stringify({ handled, peakInFlight, residentMiB: peak / mebibyte, grewMiB: (peak - start) / mebibyte })}\n`,
);
