import { connect, headers, type PublishOptions } from "nats";
import { headerNames } from "tidelane";
import type { LoopContext, Parameters, Publisher } from "../method/contract.ts";
import { keyOf, orderWriter } from "../method/order.ts";

/** Parameter of both: keys, how many there are; without it messages have none. */
function optionsOf({ keys }: Parameters): (sequence: number) => Partial<PublishOptions> | undefined {
  if (keys === undefined) return () => undefined;
  return (sequence) => {
    const made = headers();
    made.set(headerNames.partitionKey, keyOf(sequence, Number(keys)));
    return { headers: made };
  };
}

/** To subjects; the server has each chunk before the next is made. */
export async function core({ address, parameters }: LoopContext): Promise<Publisher> {
  const connection = await connect({ servers: address });
  const write = orderWriter();
  const options = optionsOf(parameters);
  return {
    async send(name, from, to) {
      for (let sequence = from; sequence < to; sequence++) {
        connection.publish(name, write(sequence), options(sequence));
      }
      await connection.flush();
    },
    close: () => connection.close(),
  };
}

/** To a stream that is there; two chunks are on their way at once. */
export async function jetStream({ address, parameters }: LoopContext): Promise<Publisher> {
  const connection = await connect({ servers: address });
  const client = connection.jetstream();
  const write = orderWriter();
  const options = optionsOf(parameters);
  let before: Promise<unknown> = Promise.resolve();
  return {
    async send(name, from, to) {
      const acks = [];
      for (let sequence = from; sequence < to; sequence++) {
        acks.push(client.publish(name, write(sequence), options(sequence)));
      }
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
