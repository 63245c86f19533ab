import { Connection } from "rabbitmq-client";
import type { LoopContext, StreamLoop } from "../method/contract.ts";
import type { Order } from "../method/order.ts";

const prefetch = 256;

/** `createConsumer()`, as its README has it: a message is acked when the callback returns. */
export async function consumer({ address }: LoopContext): Promise<StreamLoop> {
  const rabbit = new Connection(address);
  await rabbit.onConnect();
  return {
    async attach(name, tally) {
      const subscription = rabbit.createConsumer(
        {
          queue: name,
          queueOptions: { durable: true, arguments: { "x-queue-type": "quorum" } },
          qos: { prefetchCount: prefetch },
          exchanges: [{ exchange: name, type: "fanout", durable: true }],
          queueBindings: [{ exchange: name, routingKey: "" }],
        },
        async (message) => {
          // Without a content type the body is bytes.
          const order: Order = JSON.parse(message.body.toString());
          tally.take(order.sequence);
        },
      );
      await new Promise<void>((resolve) => subscription.on("ready", () => resolve()));
      return async () => {
        await subscription.close();
        await rabbit.queueDelete(name);
        await rabbit.exchangeDelete({ exchange: name });
      };
    },
    close: () => rabbit.close(),
  };
}
