import { byKey, type Codec, json, type Message, pipeline, type Run, type Subscriber } from "tidelane";
import type { StreamLoop, Tally } from "../method/contract.ts";
import type { Order } from "../method/order.ts";

/** Begins, and returns what ends it. The same for every broker. */
export type Consume = (subscriber: Subscriber, tally: Tally) => () => Promise<void>;

export const orders: Codec<Order> = json as Codec<Order>;

/** Without the runtime: what a user writes with an adapter alone. */
export const byHand: Consume = (subscriber, tally) => {
  const consuming = takeAll(subscriber, tally);
  return async () => {
    await subscriber.close();
    await consuming;
  };
};

async function takeAll(subscriber: Subscriber<Message>, tally: Tally): Promise<void> {
  for await (const message of subscriber) {
    tally.take((message.json() as Order).sequence);
    await message.ack();
  }
}

/** With the runtime. */
export const byPipeline: Consume = (subscriber, tally) =>
  endOf(
    pipeline(subscriber)
      .decode(orders)
      .handle((order) => tally.take(order.sequence)),
  );

/** The same with a handler that returns a promise, as most do: each settle is then in a microtask of its own. */
export const byAsyncPipeline: Consume = (subscriber, tally) =>
  endOf(
    pipeline(subscriber)
      .decode(orders)
      .handle(async (order) => tally.take(order.sequence)),
  );

/** Keyed work that takes its time: eight at once, a key's in order. */
export const keyedWork = { workers: 8, keys: 64, maxInFlight: 256, handlerMs: 2 } as const;

export async function slowly(order: Order, tally: Tally): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, keyedWork.handlerMs));
  tally.take(order.sequence);
}

export const byWorkers: Consume = (subscriber, tally) =>
  endOf(
    pipeline(subscriber)
      .decode(orders)
      .workers(keyedWork.workers, byKey, { maxInFlight: keyedWork.maxInFlight })
      .handle((order) => slowly(order, tally)),
  );

/** A loop in which only what has the same key stays in order. */
export async function keyedLoop(loop: Promise<StreamLoop>): Promise<StreamLoop> {
  return { ...(await loop), lanes: keyedWork.keys };
}

function endOf(run: Run): () => Promise<void> {
  return async () => {
    await run.drain();
  };
}
