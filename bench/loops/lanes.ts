// Keyed work as people do it without lanes, over the same subscriber. At most 512 messages are in flight, as by default
// in `workers(16, byKey)`.
import PQueue from "p-queue";
import type { MemoryMessage, MemorySubscriber } from "tidelane";
import type { BurstLoop, LoopContext, Tally } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { memoryLoop } from "./memory.ts";

const maxInFlight = 512;

/** Hands a task to whatever orders it, and resolves when it was run. */
export type Schedule = (key: string, task: () => Promise<void>) => Promise<unknown>;

export function pQueueLanes(context: LoopContext): Promise<BurstLoop> {
  return lanesLoop(context, pQueues(16));
}

/** A queue of concurrency 1 for each key, kept while it has work, under one of concurrency `count`. */
export function pQueues(count: number): Schedule {
  const queues = new Map<string, PQueue>();
  const workers = new PQueue({ concurrency: count });
  return async (key, task) => {
    let queue = queues.get(key);
    if (queue === undefined) {
      queue = new PQueue({ concurrency: 1 });
      queues.set(key, queue);
    }
    await queue.add(() => workers.add(task));
    if (queue.size === 0 && queue.pending === 0) queues.delete(key);
  };
}

/** Sixteen queues of concurrency 1; a key always goes to the same. */
export function hashLanes(context: LoopContext): Promise<BurstLoop> {
  const tails: Promise<void>[] = Array.from({ length: 16 }, () => Promise.resolve());
  return lanesLoop(context, (key, task) => {
    const lane = hash(key) % tails.length;
    const tail = (tails[lane] ?? Promise.resolve()).then(task);
    tails[lane] = tail;
    return tail;
  });
}

/** A promise for each key, the next task behind it. Nothing bounds how many run at once but the messages in flight. */
export function promiseChains(context: LoopContext): Promise<BurstLoop> {
  const tails = new Map<string, Promise<void>>();
  return lanesLoop(context, async (key, task) => {
    const tail = (tails.get(key) ?? Promise.resolve()).then(task);
    tails.set(key, tail);
    await tail;
    if (tails.get(key) === tail) tails.delete(key);
  });
}

/**
 * A promise for each key under a bound of sixteen at once: what one writes who wants the guarantees of `workers(16, byKey)`
 * for this much. A task whose turn has come takes a slot or stands in line for one. It has no retry, no signal and no
 * stop, a task that throws ends its key's chain, and the line is by when a turn came, not by arrival.
 */
export function boundedChains(context: LoopContext): Promise<BurstLoop> {
  const tails = new Map<string, Promise<void>>();
  const line = new Line();
  let free = 16;
  const runInTurn = async (task: () => Promise<void>): Promise<void> => {
    if (free > 0) free -= 1;
    else await line.wait();
    await task();
    if (!line.release()) free += 1;
  };
  return lanesLoop(context, async (key, task) => {
    const before = tails.get(key);
    const tail = before === undefined ? runInTurn(task) : before.then(() => runInTurn(task));
    tails.set(key, tail);
    await tail;
    if (tails.get(key) === tail) tails.delete(key);
  });
}

/** First in, first out, without the cost of `Array.shift`: at most 512 stand in it, as that many are in flight. */
class Line {
  readonly #slots: ((() => void) | undefined)[] = Array.from({ length: maxInFlight });
  #head = 0;
  #size = 0;

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#slots[(this.#head + this.#size) % maxInFlight] = resolve;
      this.#size += 1;
    });
  }

  /** Gives the slot to the first in line; `false` when nobody is. */
  release(): boolean {
    const first = this.#slots[this.#head];
    if (first === undefined || this.#size === 0) return false;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % maxInFlight;
    this.#size -= 1;
    first();
    return true;
  }
}

function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    value = Math.imul(value ^ key.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** Takes from the subscriber while fewer than `maxInFlight` are out, and gives each to `schedule`. */
export function lanesLoop(context: LoopContext, schedule: Schedule): Promise<BurstLoop> {
  return memoryLoop(context, Number(context.parameters["keys"]), (subscriber, tally) =>
    consume(subscriber, tally, schedule),
  );
}

async function consume(subscriber: MemorySubscriber, tally: Tally, schedule: Schedule): Promise<void> {
  let inFlight = 0;
  let relieve: (() => void) | undefined;
  const work = async (message: MemoryMessage): Promise<void> => {
    const order = message.json() as Order;
    await handle(order, tally);
    await message.ack();
    inFlight -= 1;
    relieve?.();
  };
  let left = tally.count;
  const scheduled: Promise<unknown>[] = [];
  for await (const message of subscriber) {
    inFlight += 1;
    const run = schedule(message.partitionKey ?? "", () => work(message));
    if (left <= maxInFlight) scheduled.push(run);
    left -= 1;
    if (left === 0) break;
    while (inFlight >= maxInFlight) {
      await new Promise<void>((resolve) => {
        relieve = resolve;
      });
    }
  }
  await Promise.all(scheduled);
  await tally.done;
  await subscriber.close();
}

async function handle(order: Order, tally: Tally): Promise<void> {
  tally.take(order.sequence);
}
