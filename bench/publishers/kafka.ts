import { Partitioners } from "kafkajs";
import { clientOf, createTopic, partitions } from "../loops/kafka.ts";
import type { LoopContext, Publisher } from "../method/contract.ts";
import { keyOf, orderWriter } from "../method/order.ts";

/**
 * A chunk is one request; message n goes to partition n % 4. Creates the topic of a log, and deletes it in the end.
 * Parameter: keys, how many there are.
 */
export async function batched({ address, parameters }: LoopContext): Promise<Publisher> {
  const client = clientOf(address);
  const admin = client.admin();
  await admin.connect();
  const own: string[] = [];
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const write = orderWriter();
  return {
    async send(topic, from, to) {
      if (from === 0 && (await createTopic(admin, topic))) own.push(topic);
      const messages = Array.from({ length: to - from }, (_, index) => {
        const sequence = from + index;
        const key = parameters["keys"] === undefined ? null : keyOf(sequence, Number(parameters["keys"]));
        return { key, value: write(sequence), partition: sequence % partitions };
      });
      await producer.send({ topic, messages, acks: 1 });
    },
    async close() {
      await producer.disconnect();
      if (own.length > 0) await admin.deleteTopics({ topics: own });
      await admin.disconnect();
    },
  };
}
