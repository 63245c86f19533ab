import { connect } from "amqplib";
import type { LoopContext, Publisher } from "../method/contract.ts";
import { orderWriter } from "../method/order.ts";

/** Persistent and confirmed, to the queue of that name; two chunks are on their way at once. */
export async function confirmed({ address }: LoopContext): Promise<Publisher> {
  const connection = await connect(address);
  const channel = await connection.createConfirmChannel();
  const write = orderWriter();
  let before: Promise<void> = Promise.resolve();
  return {
    async send(name, from, to) {
      let left = to - from;
      const all = new Promise<void>((resolve, reject) => {
        const confirm = (error: unknown): void => {
          left -= 1;
          if (error) reject(error);
          else if (left === 0) resolve();
        };
        for (let sequence = from; sequence < to; sequence++) {
          channel.sendToQueue(name, write(sequence), { persistent: true }, confirm);
        }
      });
      await before;
      before = all;
    },
    async close() {
      await before;
      await connection.close();
    },
  };
}
