import {
  type AppMiddleware,
  channel,
  createApp,
  MemoryBroker,
  type MemorySubscriber,
  pipeline,
  type StandardSchema,
  type SubscriptionSource,
} from "tidelane";
import type { BurstLoop, LoopContext } from "../method/contract.ts";
import type { Order } from "../method/order.ts";
import { finish, memoryLoop } from "./memory.ts";

/** As little as a schema can do: the rest would be the work of its library, on both sides. */
const schema: StandardSchema<Order> = {
  "~standard": {
    version: 1,
    vendor: "bench",
    validate: (value) =>
      typeof (value as Order).sequence === "number"
        ? { value: value as Order }
        : { issues: [{ message: "an order has a sequence" }] },
  },
};

const orders = channel("orders", { schema });

/** The same by hand. Parameters: async (the handler is one). */
export function pipelineByHand(context: LoopContext): Promise<BurstLoop> {
  const { async = false } = context.parameters;
  return memoryLoop(context, 1, async (subscriber, tally) => {
    const steps = pipeline(subscriber).decode(schema);
    const run = async
      ? steps.handle(async (order) => tally.take(order.sequence))
      : steps.handle((order) => tally.take(order.sequence));
    return finish(run, tally);
  });
}

/** One handler of an app. Parameters: async (the handler is one), middleware (how many, each passes on). */
export function appHandler(context: LoopContext): Promise<BurstLoop> {
  const { async = false, middleware = 0 } = context.parameters;
  const layers = Array.from({ length: Number(middleware) }, () => passOn);
  return memoryLoop(context, 1, async (subscriber, tally) => {
    const app = createApp({ name: "bench", broker: new MemoryBroker() });
    const options = { source: sourceOf(subscriber), middleware: layers };
    if (async) app.subscribe(orders, options, async (order) => tally.take(order.sequence));
    else app.subscribe(orders, options, (order) => tally.take(order.sequence));
    await app.start();
    await tally.done;
    await app.drain();
  });
}

const passOn: AppMiddleware = (_, next) => next();

/** What was filled before the clock started. */
function sourceOf(subscriber: MemorySubscriber): SubscriptionSource {
  const { topic, capabilities } = subscriber;
  return { topic, capabilities, open: async () => subscriber };
}
