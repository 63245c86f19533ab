import fastq from "fastq";
import { lanesLoop } from "../loops/lanes.ts";
import type { BurstLoop, LoopContext } from "../method/contract.ts";

type Task = () => Promise<void>;

/** A fastq of concurrency 1 for each key, kept while it has work, under one of concurrency 16. */
export function fastqLanes(context: LoopContext): Promise<BurstLoop> {
  const run = (task: Task): Promise<void> => task();
  const workers = fastq.promise(run, 16);
  const queues = new Map<string, fastq.queueAsPromised<Task>>();
  return lanesLoop(context, async (key, task) => {
    let queue = queues.get(key);
    if (queue === undefined) {
      queue = fastq.promise((queued: Task) => workers.push(queued), 1);
      queues.set(key, queue);
    }
    await queue.push(task);
    if (queue.idle()) queues.delete(key);
  });
}
