// The process that publishes, or answers requests, for the loops of one contest.
import type { LoopContext, ModuleSpec, Publisher } from "./contract.ts";
import type { Answer, Order } from "./wire.ts";

const chunk = 500;
let publisher: Publisher | undefined;
let taken = 0;
let wake: () => void = () => {};

async function load(spec: ModuleSpec, address: string): Promise<void> {
  const module = await import(new URL(`../${spec.module}`, import.meta.url).href);
  const make: (context: LoopContext) => Promise<Publisher> = module[spec.make];
  publisher = await make({ parameters: spec.parameters ?? {}, address });
}

/** Never more than `window` ahead of the consumer: it is to have enough at all times, and nothing is to overflow. */
async function publish(name: string, count: number, window: number): Promise<void> {
  taken = 0;
  for (let next = 0; next < count; next += chunk) {
    while (next + chunk - taken > window) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await publisher?.send(name, next, Math.min(count, next + chunk));
  }
}

async function obey(order: Order): Promise<Answer | undefined> {
  if (order.type === "credit") {
    taken = order.taken;
    wake();
    return undefined;
  }
  if (order.type === "load") await load(order.spec, order.address);
  if (order.type === "publish") await publish(order.name, order.count, order.window);
  if (order.type === "close") {
    await publisher?.close();
    setImmediate(() => process.disconnect());
  }
  return { type: "done" };
}

process.on("message", (order: Order) => {
  obey(order).then(
    (answer) => answer && process.send?.(answer),
    (error) => process.send?.({ type: "failed", error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit(0));
