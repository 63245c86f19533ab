import { Worker } from "bullmq";
import { Handler } from "../parts/handler.ts";
import type { Order } from "../parts/scenario.ts";
import { readSite } from "../parts/site.ts";

// https://docs.bullmq.io/guide/workers/concurrency: a concurrency factor. Everything else is the default. Another worker takes
// a dead worker's jobs over after about 30 s: https://docs.bullmq.io/guide/going-to-production. Handling the jobs of a key one
// by one takes groups, which are in BullMQ Pro: https://docs.bullmq.io/bullmq-pro/groups/concurrency.
const site = readSite();
const handler = new Handler(site.journal);
const worker = new Worker<Order>(site.queue, (job) => handler.handle(job.data), {
  connection: { url: site.address },
  concurrency: site.workers,
});
worker.on("error", (error) => console.error(error));
