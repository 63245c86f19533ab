import { setTimeout as pause } from "node:timers/promises";
import { byKey, pipeline } from "tidelane";
import { JetStreamBroker } from "tidelane/nats";
import { clients } from "./fixture.ts";

/**
 * Run by slow-consumer.test.ts in a process of its own, with --expose-gc: handles messages of a group for 1 ms each, and
 * prints how far resident memory grew after the warm-up. Arguments: address, client, topic, warm-up, messages.
 */
const [address = "", client = "nats", topic = "", ...counts] = process.argv.slice(2);
const [warmUp = 0, messages = 0] = counts.map(Number);
const mebibyte = 2 ** 20;

const broker = new JetStreamBroker({ servers: address, client: clients[client as keyof typeof clients] });
const connection = await broker.connect();
const subscriber = await connection.subscribe(topic, { group: "slow", maxInFlight: 64, maxAckPending: 64 });

let handled = 0;
let start = 0;
let peak = 0;

const run = pipeline(subscriber)
  .workers(8, byKey, { maxInFlight: 64 })
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
