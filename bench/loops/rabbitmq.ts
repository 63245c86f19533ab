import { type Channel, type ChannelModel, connect } from "amqplib";
import { AmqpBroker, amqpQueue } from "tidelane/amqp";
import type { LoopContext, StreamLoop } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { byAsyncPipeline, byHand, byPipeline, byWorkers, type Consume, keyedLoop } from "./consume.ts";

/** Of every consumer. */
const prefetch = 256;

type QueueType = "quorum" | "classic";

/** amqplib, `consume` and `ack`, as its README has it. Parameter: type, of the queue. */
export async function raw({ address, parameters }: LoopContext): Promise<StreamLoop> {
  const connection: ChannelModel = await connect(address);
  return {
    async attach(name, tally) {
      const channel: Channel = await connection.createChannel();
      await channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": parameters["type"] } });
      await channel.prefetch(prefetch);
      await channel.consume(name, (message) => {
        if (message === null) return;
        const order: Order = JSON.parse(message.content.toString());
        tally.take(order.sequence);
        channel.ack(message);
      });
      return async () => {
        await channel.deleteQueue(name);
        await channel.close();
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

/** Parameters: type, of the queue; exchange, that the queue is bound to one of its name. */
async function loopOf({ address, parameters }: LoopContext, consume: Consume): Promise<StreamLoop> {
  const connection = await new AmqpBroker({ url: address }).connect();
  const janitor = await connect(address);
  const channel = await janitor.createChannel();
  const type = parameters["type"] as QueueType;
  const exchange = parameters["exchange"] === true;
  return {
    async attach(name, tally) {
      if (exchange) await channel.assertExchange(name, "fanout");
      const bindings = exchange ? [{ exchange: name, routingKey: "" }] : [];
      const source = amqpQueue(name, { type, create: true, maxInFlight: prefetch, bindings });
      const end = consume(await connection.subscribe(source), tally);
      return async () => {
        await end();
        await channel.deleteQueue(name);
        if (exchange) await channel.deleteExchange(name);
      };
    },
    async close() {
      await connection.close();
      await janitor.close();
    },
  };
}
