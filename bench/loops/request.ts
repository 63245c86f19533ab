import { type Channel, type ConsumeMessage, connect as connectAmqp } from "amqplib";
import { connect as connectNats } from "nats";
import type { Message, RequestReply } from "tidelane";
import { AmqpBroker } from "tidelane/amqp";
import { NatsBroker } from "tidelane/nats";
import type { BurstLoop, LoopContext } from "../method/contract.ts";
import { type Order, orderWriter } from "../method/order.ts";

/** Requests that wait for their reply at once. */
const atOnce = 64;
const timeoutMs = 10_000;

// Parameter of all: name, the subject or the queue of who answers.

/** nats.js, `request()`. */
export async function rawNats({ address, parameters }: LoopContext): Promise<BurstLoop> {
  const connection = await connectNats({ servers: address });
  const subject = String(parameters["name"]);
  return requestLoop(
    async (payload) => (await connection.request(subject, payload, { timeout: timeoutMs })).json<Order>(),
    () => connection.close(),
  );
}

export async function appNats(context: LoopContext): Promise<BurstLoop> {
  const connection = await new NatsBroker({ servers: context.address }).connect();
  return appLoop(context, connection.publisher(), () => connection.close());
}

/** amqplib, as its RPC example, with the server's direct reply-to in place of a queue for replies. */
export async function rawRabbitMq({ address, parameters }: LoopContext): Promise<BurstLoop> {
  const connection = await connectAmqp(address);
  const channel: Channel = await connection.createChannel();
  const replyTo = "amq.rabbitmq.reply-to";
  const waiting = new Map<string, (message: ConsumeMessage) => void>();
  const onReply = (message: ConsumeMessage | null): void => {
    if (message !== null) waiting.get(message.properties.correlationId)?.(message);
  };
  await channel.consume(replyTo, onReply, { noAck: true });
  let count = 0;
  return requestLoop(
    async (payload) => {
      const correlationId = String(count++);
      const reply = new Promise<ConsumeMessage>((resolve) => waiting.set(correlationId, resolve));
      channel.sendToQueue(String(parameters["name"]), payload, { correlationId, replyTo });
      const { content } = await reply;
      waiting.delete(correlationId);
      return JSON.parse(content.toString());
    },
    () => connection.close(),
  );
}

export async function appRabbitMq(context: LoopContext): Promise<BurstLoop> {
  const connection = await new AmqpBroker({ url: context.address }).connect();
  return appLoop(context, connection.publisher({ persistent: false }), () => connection.close());
}

function appLoop(
  { parameters }: LoopContext,
  publisher: RequestReply,
  close: () => Promise<void>,
): BurstLoop {
  const topic = String(parameters["name"]);
  return requestLoop(async (payload) => {
    const reply: Message = await publisher.request({ topic, payload }, { timeoutMs });
    return reply.json() as Order;
  }, close);
}

/** Bursts of requests, each answered with what it brought. */
function requestLoop(ask: (payload: Buffer) => Promise<Order>, close: () => Promise<void>): BurstLoop {
  const write = orderWriter();
  let payloads: Buffer[] = [];
  return {
    lanes: "any",
    async fill(count) {
      payloads = Array.from({ length: count }, (_, sequence) => write(sequence));
    },
    async drain(tally) {
      const left = payloads.values();
      const asker = async (): Promise<void> => {
        for (const payload of left) tally.take((await ask(payload)).sequence);
      };
      await Promise.all(Array.from({ length: atOnce }, asker));
    },
    close,
  };
}
