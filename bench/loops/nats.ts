import { connect } from "nats";
import { NatsBroker } from "tidelane/nats";
import type { LoopContext, StreamLoop } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { byAsyncPipeline, byHand, byPipeline, byWorkers, type Consume, keyedLoop } from "./consume.ts";

/** nats.js, as its README has it. */
export async function raw({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connect({ servers: address });
  return {
    async attach(name, tally) {
      const subscription = connection.subscribe(name);
      await connection.flush();
      const consuming = (async () => {
        for await (const message of subscription) tally.take(message.json<Order>().sequence);
      })();
      return async () => {
        subscription.unsubscribe();
        await consuming;
      };
    },
    close: () => connection.close(),
  };
}

export function adapter(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byHand);
}

export function app(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byPipeline);
}

export function appAsync(context: LoopContext): Promise<StreamLoop> {
  return loopOf(context, byAsyncPipeline);
}

export function workers(context: LoopContext): Promise<StreamLoop> {
  return keyedLoop(loopOf(context, byWorkers));
}

async function loopOf({ address }: LoopContext, consume: Consume): Promise<StreamLoop> {
  const connection = await new NatsBroker({ servers: address }).connect();
  return {
    attach: async (name, tally) => consume(await connection.subscribe(name), tally),
    close: () => connection.close(),
  };
}
