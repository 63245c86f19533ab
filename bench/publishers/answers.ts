// The other side of requests: sends back what came. The same for all loops. Parameter: name, of the subject or queue.
import { connect as connectAmqp } from "amqplib";
import { connect as connectNats } from "nats";
import type { LoopContext, Publisher } from "../method/contract.ts";

export async function nats({ address, parameters }: LoopContext): Promise<Publisher> {
  const connection = await connectNats({ servers: address });
  connection.subscribe(String(parameters["name"]), {
    callback: (_, message) => void message.respond(message.data),
  });
  await connection.flush();
  return { send: nothing, close: () => connection.close() };
}

export async function rabbitMq({ address, parameters }: LoopContext): Promise<Publisher> {
  const connection = await connectAmqp(address);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(String(parameters["name"]), { exclusive: true });
  await channel.consume(
    queue,
    (message) => {
      if (message === null) return;
      const { replyTo, correlationId } = message.properties;
      channel.sendToQueue(replyTo, message.content, { correlationId });
    },
    { noAck: true },
  );
  return { send: nothing, close: () => connection.close() };
}

async function nothing(): Promise<void> {}
