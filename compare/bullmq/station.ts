import { type JobsOptions, Queue } from "bullmq";
import type { Name, Station } from "../parts/contestant.ts";
import { attempts, type Order } from "../parts/scenario.ts";

/**
 * Jobs in the order they were added (https://docs.bullmq.io/guide/jobs/fifo), tried again by `attempts`
 * (https://docs.bullmq.io/guide/retrying-failing-jobs). There is no backoff: a retry goes to the end of the queue with one
 * and without, and a backoff would only hold it longer. A job that has failed for good stays in the failed set.
 *
 * `bullmq-priority` is the same with priorities that count up. The page about retries says that a retried job keeps its
 * priority, so it comes back to its place. BullMQ has priorities up to 2,097,152.
 */
export async function bullmqStation(contestant: Name, address: string, server: string): Promise<Station> {
  const name = `compare-${process.pid}-${Date.now()}`;
  const queue = new Queue<Order>(name, {
    connection: { url: address },
    defaultJobOptions: { attempts },
  });
  await queue.waitUntilReady();
  const jobOf = (data: Order): { name: string; data: Order; opts: JobsOptions } => {
    const opts = contestant === "bullmq-priority" ? { priority: data.id + 1 } : {};
    return { name: "order", data, opts };
  };
  return {
    server,
    address,
    queue: name,
    deadQueue: "",
    async publish(orders) {
      await queue.addBulk(orders.map(jobOf));
    },
    async holdings() {
      const queued = await queue.getJobCountByTypes("waiting", "active", "delayed", "prioritized");
      const failed = await queue.getFailed(0, -1);
      return { queued, deadLettered: failed.map(({ data }) => data.id) };
    },
    async remove() {
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}
