import { connect } from "nats";
import type { LoopContext, Publisher } from "../method/contract.ts";
import { orderWriter } from "../method/order.ts";

/** To subjects; the server has each chunk before the next is made. */
export async function core({ address }: LoopContext): Promise<Publisher> {
  const connection = await connect({ servers: address });
  const write = orderWriter();
  return {
    async send(name, from, to) {
      for (let sequence = from; sequence < to; sequence++) connection.publish(name, write(sequence));
      await connection.flush();
    },
    close: () => connection.close(),
  };
}

/** To a stream that is there; two chunks are on their way at once. */
export async function jetStream({ address }: LoopContext): Promise<Publisher> {
  const connection = await connect({ servers: address });
  const client = connection.jetstream();
  const write = orderWriter();
  let before: Promise<unknown> = Promise.resolve();
  return {
    async send(name, from, to) {
      const acks = [];
      for (let sequence = from; sequence < to; sequence++) acks.push(client.publish(name, write(sequence)));
      const all = Promise.all(acks);
      await before;
      before = all;
    },
    async close() {
      await before;
      await connection.close();
    },
  };
}
