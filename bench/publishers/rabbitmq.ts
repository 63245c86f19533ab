import { connect } from "amqplib";
import { headerNames } from "tidelane";
import type { LoopContext, Publisher } from "../method/contract.ts";
import { keyOf, orderWriter } from "../method/order.ts";

/**
 * Persistent and confirmed, two chunks on their way at once. Parameter: exchange, that it goes to the exchange of that
 * name, and not to the queue; keys, how many there are.
 */
export async function confirmed({ address, parameters }: LoopContext): Promise<Publisher> {
  const connection = await connect(address);
  const channel = await connection.createConfirmChannel();
  const write = orderWriter();
  const addressOf = (name: string): [exchange: string, routingKey: string] =>
    parameters["exchange"] === true ? [name, ""] : ["", name];
  const { keys } = parameters;
  const optionsOf = (sequence: number) => {
    if (keys === undefined) return { persistent: true };
    return { persistent: true, headers: { [headerNames.partitionKey]: keyOf(sequence, Number(keys)) } };
  };
  let before: Promise<void> = Promise.resolve();
  return {
    async send(name, from, to) {
      const [exchange, routingKey] = addressOf(name);
      let left = to - from;
      const all = new Promise<void>((resolve, reject) => {
        const confirm = (error: unknown): void => {
          left -= 1;
          if (error) reject(error);
          else if (left === 0) resolve();
        };
        for (let sequence = from; sequence < to; sequence++) {
          channel.publish(exchange, routingKey, write(sequence), optionsOf(sequence), confirm);
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
