// Figures without a rival. Each runs once in a process of its own, started as its reading says.
import { PerformanceObserver } from "node:perf_hooks";
import { byKey, MemoryBroker, type MemoryConnection, type MemorySubscriber, pipeline } from "tidelane";
import { runConformance } from "tidelane/conformance";
import { memoryFixture } from "../../test/conformance/memory-fixture.ts";
import type { Parameters } from "../method/contract.ts";
import { orderWriter } from "../method/order.ts";
import { median } from "../method/statistics.ts";

/**
 * Bytes of heap that a message costs from its publishing to its settling, none of it collected. Parameter: messages.
 * For `--min-semi-space-size` and `--max-semi-space-size` of 512 MiB, as the young generation has to hold it all.
 */
export async function allocated({ messages }: Parameters): Promise<number> {
  const count = Number(messages);
  const path = await MemoryPath.open(count);
  await path.pass(count);
  collect();
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  await path.pass(count);
  const bytes = process.memoryUsage().heapUsed - before;
  await new Promise(setImmediate);
  observer.disconnect();
  if (collections > 0) throw new Error(`The heap was collected ${collections} times meanwhile.`);
  await path.close();
  return bytes / count;
}

/** Bytes of heap of a message that is in flight, beyond its payload. Parameter: messages. */
export async function inFlight({ messages }: Parameters): Promise<number> {
  const count = Number(messages);
  const broker = new MemoryBroker({ topics: { orders: { capacity: { messages: count } } } });
  const connection = await broker.connect();
  const subscriber = await connection.subscribe("orders", { maxInFlight: count });
  const publisher = connection.publisher();
  const payloads = payloadsOf(count);
  const keys = Array.from({ length: 64 }, (_, key) => `customer-${key}`);
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  const run = pipeline(subscriber)
    .workers(16, byKey, { maxInFlight: count })
    .handle(() => finished);
  for (const [index, payload] of payloads.entries()) {
    await publisher.publish({ topic: "orders", payload, key: keys[index % keys.length] ?? "" });
  }
  while (run.stats.inFlight < count) await new Promise(setImmediate);
  collect();
  const bytes = process.memoryUsage().heapUsed - before;
  finish();
  await run.drain();
  await connection.close();
  return bytes / count;
}

/**
 * Processor time of the tenth stretch of messages of one run, of that of the first of another: both in twenty parts, by
 * turns, as the machine itself drifts by more than what is looked for. The median of the pairs. Parameter: messages, of
 * one stretch.
 */
export async function uptime({ messages }: Parameters): Promise<number> {
  const stretch = Number(messages);
  const burst = 5_000;
  const work = async (path: MemoryPath, count: number): Promise<number> => {
    const before = process.cpuUsage();
    for (let done = 0; done < count; done += burst) await path.pass(burst);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const old = await MemoryPath.open(burst);
  await work(old, stretch * 9);
  const young = await MemoryPath.open(burst);
  const ratios: number[] = [];
  for (let part = 0; part < 20; part += 1) {
    const [first, second] = part % 2 === 0 ? [old, young] : [young, old];
    const took = new Map([[first, await work(first, stretch / 20)]]);
    took.set(second, await work(second, stretch / 20));
    ratios.push((took.get(old) ?? Number.NaN) / (took.get(young) ?? Number.NaN));
  }
  await old.close();
  await young.close();
  return median(ratios);
}

/** Histories a second, of all laws on the memory broker. Parameter: runs, of each law. */
export async function histories({ runs }: Parameters): Promise<number> {
  const began = performance.now();
  const report = await runConformance(memoryFixture, { runs: Number(runs), seed: 1 });
  const failed = report.laws.filter(({ verdict }) => verdict === "fail");
  if (failed.length > 0) throw new Error(`${failed.map(({ law }) => law).join(", ")} failed.`);
  return (report.histories * 1000) / (performance.now() - began);
}

/** From a publish to the settle, through a pipeline that handles one at a time. */
class MemoryPath {
  readonly #connection: MemoryConnection;
  readonly #payloads: readonly Buffer[];
  readonly #handled: () => number;
  readonly #drain: () => Promise<unknown>;

  static async open(capacity: number): Promise<MemoryPath> {
    const broker = new MemoryBroker({ topics: { orders: { capacity: { messages: capacity } } } });
    const connection = await broker.connect();
    return new MemoryPath(connection, await connection.subscribe("orders"), payloadsOf(capacity));
  }

  private constructor(
    connection: MemoryConnection,
    subscriber: MemorySubscriber,
    payloads: readonly Buffer[],
  ) {
    const run = pipeline(subscriber).handle(() => {});
    this.#connection = connection;
    this.#payloads = payloads;
    this.#handled = () => run.stats.handled;
    this.#drain = () => run.drain();
  }

  /** Resolves when `count` more were settled. */
  async pass(count: number): Promise<void> {
    const publisher = this.#connection.publisher();
    const all = this.#handled() + count;
    for (let index = 0; index < count; index++) {
      const payload = this.#payloads[index % this.#payloads.length] ?? "";
      await publisher.publish({ topic: "orders", payload });
    }
    while (this.#handled() < all) await new Promise(setImmediate);
  }

  async close(): Promise<void> {
    await this.#drain();
    await this.#connection.close();
  }
}

function payloadsOf(count: number): readonly Buffer[] {
  const write = orderWriter(64);
  return Array.from({ length: count }, (_, sequence) => write(sequence));
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error("This needs --expose-gc.");
  globalThis.gc();
}
