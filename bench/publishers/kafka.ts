import { Partitioners } from "kafkajs";
import { clientOf, partitions } from "../loops/kafka.ts";
import type { LoopContext, Publisher } from "../method/contract.ts";
import { orderWriter } from "../method/order.ts";

/** A chunk is one request; message n goes to partition n % 4. */
export async function batched({ address }: LoopContext): Promise<Publisher> {
  const producer = clientOf(address).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const write = orderWriter();
  return {
    async send(topic, from, to) {
      const messages = Array.from({ length: to - from }, (_, index) => {
        const sequence = from + index;
        return { value: write(sequence), partition: sequence % partitions };
      });
      await producer.send({ topic, messages, acks: 1 });
    },
    close: () => producer.disconnect(),
  };
}
