import { byKey, MemoryBroker, pipeline } from "tidelane";
import { VirtualClock } from "tidelane/testing";
import { expect, it } from "vitest";

const workers = 8;
const keys = 1_000;
const messages = 20_000;

interface Job {
  readonly key: string;
  readonly workMs: number;
}

/** A generator of numbers in [0, 1) that gives the same ones every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Jobs whose keys follow Zipf's law with exponent 1.1, of 1 to 20 ms each. */
function skewedJobs(random: () => number): Job[] {
  const cumulative: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= keys; rank += 1) {
    total += 1 / rank ** 1.1;
    cumulative.push(total);
  }
  return Array.from({ length: messages }, () => {
    const point = random() * total;
    const rank = cumulative.findIndex((upTo) => point < upTo);
    return { key: `key-${rank}`, workMs: 1 + random() * 19 };
  });
}

function sumBy<Group>(jobs: readonly Job[], groupOf: (job: Job) => Group): number {
  const sums = new Map<Group, number>();
  for (const job of jobs) sums.set(groupOf(job), (sums.get(groupOf(job)) ?? 0) + job.workMs);
  return Math.max(...sums.values());
}

/** FNV-1a, a usual choice for `hash(key) % n`. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(key)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

async function makespan(jobs: readonly Job[], maxInFlight: number): Promise<number> {
  const clock = new VirtualClock();
  const connection = await new MemoryBroker({ clock }).connect();
  const subscriber = await connection.subscribe("jobs", { maxInFlight });
  const publisher = connection.publisher();
  for (const [index, { key }] of jobs.entries())
    await publisher.publish({ topic: "jobs", payload: String(index), key });
  let last = 0;
  const run = pipeline(subscriber, { clock })
    .workers(workers, byKey, { maxInFlight })
    .handle(async (message) => {
      const job = jobs[Number(message.text())] as Job;
      await new Promise<void>((resolve) => clock.schedule(job.workMs, resolve));
      last = clock.now();
    });
  const idle = (): boolean => run.stats.handled === jobs.length;
  while (!idle() && (await clock.advanceToNext()));
  expect(run.stats.handled).toBe(jobs.length);
  await connection.close();
  await run.done;
  return last;
}

it("finishes a skewed log within 10 % of the ideal, where hash(key) % n does not", {
  timeout: 120_000,
}, async () => {
  const jobs = skewedJobs(seeded(11));
  const total = jobs.reduce((sum, { workMs }) => sum + workMs, 0);
  const longestKey = sumBy(jobs, ({ key }) => key);
  const ideal = Math.max(longestKey, total / workers);
  const hashed = sumBy(jobs, ({ key }) => hash(key) % workers);
  const lanes = await makespan(jobs, 1_024);
  const ratio = (ms: number): string => `${Math.round(ms)} ms, ${(ms / ideal).toFixed(3)} of the ideal`;
  console.log(
    `ideal ${Math.round(ideal)} ms (longest key ${Math.round(longestKey)}, total / ${workers} ${Math.round(total / workers)})`,
  );
  console.log(`lanes ${ratio(lanes)}; hash(key) % ${workers}, queues unbounded: ${ratio(hashed)}`);
  expect(lanes).toBeLessThanOrEqual(1.1 * ideal);
  expect(hashed).toBeGreaterThan(lanes);
});
