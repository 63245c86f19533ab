import { type Codec, json, type Message, pipeline, type Subscriber } from "tidelane";
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
export const byPipeline: Consume = (subscriber, tally) => {
  const run = pipeline(subscriber)
    .decode(orders)
    .handle((order) => tally.take(order.sequence));
  return async () => {
    await run.drain();
  };
};
