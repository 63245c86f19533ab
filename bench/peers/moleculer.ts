import channels from "@moleculer/channels";
import { connect as connectAmqp } from "amqplib";
import moleculer, { type Middleware } from "moleculer";
import { connect as connectNats } from "nats";
import type { LoopContext, StreamLoop, Tally } from "../method/contract.ts";
import type { Order } from "../method/order.ts";

const prefetch = 256;
const AmqpAdapter = channels.Adapters.AMQP as unknown as new (options: object) => object;

/** A service with a channel, on the AMQP adapter of @moleculer/channels. */
export async function rabbitMq({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectAmqp(address);
  const channel = await connection.createChannel();
  return {
    async attach(name, tally) {
      const queueOptions = { durable: true, arguments: { "x-queue-type": "quorum" } };
      const options = { maxInFlight: prefetch, amqp: { url: address, queueOptions } };
      const stop = await serve(name, tally, new WithTodaysAmqplib(options));
      return async () => {
        await stop();
        await channel.deleteQueue(`${group}.${name}`);
        await channel.deleteExchange(name);
      };
    },
    close: () => connection.close(),
  };
}

/** The same on its NATS adapter, which is JetStream. */
export async function jetStream({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectNats({ servers: address });
  const manager = await connection.jetstreamManager();
  return {
    async attach(name, tally) {
      const stop = await serve(name, tally, {
        type: "NATS",
        options: { maxInFlight: prefetch, nats: { connectionOptions: { servers: [address] } } },
      });
      return async () => {
        await stop();
        await manager.streams.delete(name);
      };
    },
    close: () => connection.close(),
  };
}

const group = "bench";

/** It looks for a version in a file that amqplib 2 does not show to others, and ends the process where there is none. */
class WithTodaysAmqplib extends AmqpAdapter {
  checkClientLibVersion(): void {}
}

type MakeMiddleware = (options: { readonly adapter: object }) => unknown;

async function serve(name: string, tally: Tally, adapter: object): Promise<() => Promise<void>> {
  // Its declarations are not those of the middlewares of moleculer.
  const makeMiddleware = channels.Middleware as unknown as MakeMiddleware;
  const channelsMiddleware = makeMiddleware({ adapter });
  const broker = new moleculer.ServiceBroker({
    logger: false,
    middlewares: [channelsMiddleware as Middleware],
  });
  const handler = (order: Order): void => tally.take(order.sequence);
  broker.createService({ name: "orders", channels: { [name]: { group, handler } } });
  await broker.start();
  return () => broker.stop();
}
