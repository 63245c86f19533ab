import { AckPolicy, connect } from "nats";
import { JetStreamBroker } from "tidelane/nats";
import type { LoopContext, StreamLoop } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { byAsyncPipeline, byHand, byPipeline, byWorkers, type Consume, keyedLoop } from "./consume.ts";

/** Deliveries at the client, in all loops. */
const prefetch = 256;

/** nats.js, `consume()` and `ack()`, as its JetStream README has it. */
export async function raw({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connect({ servers: address });
  const manager = await connection.jetstreamManager();
  return {
    async attach(name, tally) {
      await manager.streams.add({ name, subjects: [name] });
      const durable = `${name}-group`;
      const pending = { max_ack_pending: prefetch };
      await manager.consumers.add(name, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        ...pending,
      });
      const consumer = await connection.jetstream().consumers.get(name, durable);
      const messages = await consumer.consume({ max_messages: prefetch });
      const consuming = (async () => {
        for await (const message of messages) {
          tally.take(message.json<Order>().sequence);
          message.ack();
        }
      })();
      return async () => {
        await messages.close();
        await consuming;
        await manager.streams.delete(name);
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
  const connection = await new JetStreamBroker({ servers: address }).connect();
  const janitor = await connect({ servers: address });
  const manager = await janitor.jetstreamManager();
  return {
    async attach(name, tally) {
      await manager.streams.add({ name, subjects: [name] });
      const subscriber = await connection.subscribe(name, {
        stream: name,
        group: `${name}-group`,
        from: "start",
        maxInFlight: prefetch,
        maxAckPending: prefetch,
        prefetch,
      });
      const end = consume(subscriber, tally);
      return async () => {
        await end();
        await manager.streams.delete(name);
      };
    },
    async close() {
      await connection.close();
      await janitor.close();
    },
  };
}
