// The process of one loop. It is started once and lives through all rounds, so that its code is warm and nothing
// another loop did colours it.
import type { BurstLoop, LoopContext, ModuleSpec, Sample, StreamLoop } from "./contract.ts";
import { Meter } from "./meter.ts";
import { tallyOf } from "./tally.ts";
import type { Answer, Order } from "./wire.ts";

let loop: (BurstLoop & StreamLoop) | undefined;
let detach: () => Promise<void> = async () => {};

function answer(given: Answer): void {
  process.send?.(given);
}

async function load(spec: ModuleSpec, address: string): Promise<void> {
  const module = await import(new URL(`../${spec.module}`, import.meta.url).href);
  const make: (context: LoopContext) => Promise<BurstLoop & StreamLoop> = module[spec.make];
  loop = await make({ parameters: spec.parameters ?? {}, address });
}

async function bursts(size: number, forMs: number): Promise<Sample> {
  const current = loaded();
  const meter = new Meter();
  let messages = 0;
  while (meter.wallMs < forMs) {
    await current.fill(size);
    const tally = tallyOf(size, current.lanes ?? 1);
    meter.begin();
    await Promise.race([current.drain(tally), failureOf(tally.done)]);
    meter.end();
    await tally.done;
    messages += size;
  }
  return meter.sample(messages);
}

/** Rejects when `done` does, and never resolves. */
async function failureOf(done: Promise<void>): Promise<never> {
  await done;
  return new Promise<never>(() => {});
}

/** From the first message taken to the last. */
async function attach(name: string, count: number, every: number): Promise<void> {
  const current = loaded();
  const meter = new Meter();
  const tally = tallyOf(count, current.lanes ?? 1, {
    every,
    first: () => meter.begin(),
    last: () => meter.end(),
    taken: (taken) => answer({ type: "taken", taken }),
  });
  tally.done.then(
    () => answer({ type: "sample", sample: meter.sample(count) }),
    (error) => answer({ type: "failed", error: String(error?.stack ?? error) }),
  );
  detach = await current.attach(name, tally);
}

function loaded(): BurstLoop & StreamLoop {
  if (loop === undefined) throw new Error("No loop is loaded.");
  return loop;
}

async function obey(order: Order): Promise<Answer | undefined> {
  if (order.type === "load") await load(order.spec, order.address);
  if (order.type === "attach") await attach(order.name, order.count, order.every);
  if (order.type === "bursts") return { type: "sample", sample: await bursts(order.size, order.forMs) };
  if (order.type === "detach") await detach();
  if (order.type === "close") {
    await loop?.close();
    setImmediate(() => process.disconnect());
  }
  return { type: "done" };
}

process.on("message", (order: Order) => {
  obey(order).then(
    (given) => given && answer(given),
    (error) => answer({ type: "failed", error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit(0));
