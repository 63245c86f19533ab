import { type Codec, json, type Message, pipeline, type Run, type Subscriber } from "tidelane";
import type { Tally } from "../method/contract.ts";
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

function endOf(run: Run): () => Promise<void> {
  return async () => {
    await run.drain();
  };
}
