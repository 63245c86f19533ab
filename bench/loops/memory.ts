import {
  byKey,
  type Handler,
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  type MemorySubscriber,
  type Middleware,
  pipeline,
  type Run,
} from "tidelane";
import type { BurstLoop, Lanes, LoopContext, Tally } from "../method/contract.ts";
import { type Order, orderWriter } from "../method/order.ts";
import { orders } from "./consume.ts";

/** Bursts on the memory broker: published while nobody takes them, then worked off by `consume`. */
export async function memoryLoop(
  { parameters }: LoopContext,
  lanes: Lanes,
  consume: (subscriber: MemorySubscriber, tally: Tally) => Promise<void>,
): Promise<BurstLoop> {
  const capacity = { messages: 1_000_000 };
  const broker = new MemoryBroker({ topics: { orders: { capacity } } });
  const connection: MemoryConnection = await broker.connect();
  const publisher = connection.publisher();
  const write = orderWriter(Number(parameters["bytes"] ?? 512));
  const keys = Number(parameters["keys"] ?? 0);
  const maxInFlight = Number(parameters["maxInFlight"] ?? 1024);
  let subscriber: MemorySubscriber | undefined;
  return {
    lanes,
    async fill(count) {
      subscriber = await connection.subscribe("orders", { maxInFlight });
      for (let sequence = 0; sequence < count; sequence++) {
        const payload = write(sequence);
        const key = keys > 0 ? { key: `customer-${sequence % keys}` } : {};
        await publisher.publish({ topic: "orders", payload, ...key });
      }
    },
    async drain(tally) {
      if (subscriber === undefined) throw new Error("There is nothing to drain.");
      await consume(subscriber, tally);
    },
    close: () => connection.close(),
  };
}

/** What a user writes without a pipeline. */
export function forAwait(context: LoopContext): Promise<BurstLoop> {
  return memoryLoop(context, 1, async (subscriber, tally) => {
    let left = tally.count;
    for await (const message of subscriber) {
      tally.take((message.json() as Order).sequence);
      await message.ack();
      left -= 1;
      if (left === 0) break;
    }
    await subscriber.close();
  });
}

export function batches(context: LoopContext): Promise<BurstLoop> {
  return memoryLoop(context, 1, async (subscriber, tally) => {
    let left = tally.count;
    for await (const batch of subscriber.batches({ max: 64 })) {
      for (const message of batch) {
        tally.take((message.json() as Order).sequence);
        await message.ack();
      }
      left -= batch.length;
      if (left === 0) break;
    }
    await subscriber.close();
  });
}

/**
 * Parameters: middleware (how many), awaits (it is an async function that awaits `next()`), wrapped (by how many async
 * functions of its own, which await what is inside), async (the handler is one), decode (false: it gets the message).
 */
export function sequential(context: LoopContext): Promise<BurstLoop> {
  const { middleware = 0, awaits = false, wrapped = 0, async = false, decode = true } = context.parameters;
  const layers = Array.from({ length: Number(middleware) }, () => (awaits ? awaitIt : passOn));
  return memoryLoop(context, 1, async (subscriber, tally) => {
    if (!decode) {
      let sequence = 0;
      const plain = layers.reduce((before, layer) => before.use(layer), pipeline(subscriber).workers(1));
      return finish(plain.handle(wrap<unknown>(() => tally.take(sequence++), Number(wrapped))), tally);
    }
    const steps = layers.reduce((before, layer) => before.use(layer), pipeline(subscriber).decode(orders));
    const take = (order: Order): void => tally.take(order.sequence);
    const handler = async ? async (order: Order): Promise<void> => take(order) : take;
    return finish(steps.handle(wrap(handler, Number(wrapped))), tally);
  });
}

type Handle<Value> = (value: Value) => Promise<void> | void;

/** What a program does that has no middleware: each layer calls the next by its name. */
function wrap<Value>(handler: Handle<Value>, layers: number): Handle<Value> {
  if (layers === 0) return handler;
  const inner = wrap(handler, layers - 1);
  return async (value) => {
    await inner(value);
    kinds["ack"] = (kinds["ack"] ?? 0) + 1;
  };
}

type Layer = Middleware<MemoryMessage, unknown>;

const passOn: Layer = (_, next) => next();

const awaitIt: Layer = async (_, next) => {
  const outcome = await next();
  kinds[outcome.kind] = (kinds[outcome.kind] ?? 0) + 1;
  return outcome;
};

/** What a middleware counts. */
const kinds: Record<string, number> = {};

/** `workers(n)` without a key. */
export function workersOnly(context: LoopContext): Promise<BurstLoop> {
  const workers = Number(context.parameters["workers"] ?? 16);
  return memoryLoop(context, "any", (subscriber, tally) =>
    finish(
      pipeline(subscriber)
        .decode(orders)
        .workers(workers)
        .handle((order) => tally.take(order.sequence)),
      tally,
    ),
  );
}

/** `workers(n, byKey)`. Parameters: workers, keys, maxInFlight, async (the handler), retries (of a thousand messages). */
export function keyed(context: LoopContext): Promise<BurstLoop> {
  const { parameters } = context;
  const workers = Number(parameters["workers"] ?? 16);
  const retries = Number(parameters["retries"] ?? 0);
  const maxInFlight = Number(parameters["maxInFlight"] ?? 32 * workers);
  return memoryLoop(context, Number(parameters["keys"]), (subscriber, tally) => {
    const plain: Handler<MemoryMessage, Order, false> = (order) => tally.take(order.sequence);
    const waiting: Handler<MemoryMessage, Order, false> = async (order) => tally.take(order.sequence);
    const failing: Handler<MemoryMessage, Order, false> = (order, { attempt }) => {
      if (order.sequence % 1000 < retries && attempt === 1) throw failure;
      tally.take(order.sequence);
    };
    const handler = retries > 0 ? failing : parameters["async"] ? waiting : plain;
    return finish(
      pipeline(subscriber, { onError: () => {} })
        .decode(orders)
        .workers(workers, byKey, { maxInFlight })
        .onFailure({ backoff: { initialMs: 1, maxMs: 1 } })
        .handle(handler),
      tally,
    );
  });
}

const failure = new Error("the first attempt");

/** When all of it is taken, and settled. */
export async function finish(run: Run, tally: Tally): Promise<void> {
  await Promise.race([tally.done, run.done]);
  const report = await run.drain();
  if (report.handled !== tally.count) throw new Error(`${report.handled} of ${tally.count} were settled.`);
}
