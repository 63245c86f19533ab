import type { BurstLoop, LoopContext } from "../method/contract.ts";

// Each runs once in a fresh process: what is imported here is loaded while it is measured, and nothing before.

/** Loads one module. Parameters: specifier; client, a module that is there before (the client of an adapter). */
export async function load({ parameters }: LoopContext): Promise<BurstLoop> {
  const { specifier, client = "" } = parameters;
  return once(
    async () => {
      if (client !== "") await import(String(client));
    },
    () => import(moduleOf(String(specifier))),
  );
}

/** From nothing loaded to the first message handled, on the memory broker. */
export async function firstMessage(): Promise<BurstLoop> {
  return once(
    async () => {},
    async () => {
      const { MemoryBroker, pipeline } = await import("tidelane");
      const connection = await new MemoryBroker().connect();
      const subscriber = await connection.subscribe("orders");
      await connection.publisher().publish({ topic: "orders", payload: "first" });
      const run = pipeline(subscriber).handle(() => void run.drain());
      const { handled } = await run.done;
      if (handled !== 1) throw new Error(`${handled} messages were handled.`);
      await connection.close();
    },
  );
}

/** An entry point by its name, where the built tree has it; any other module as it is. */
function moduleOf(specifier: string): string {
  if (!specifier.startsWith("tidelane")) return specifier;
  const folders: Readonly<Record<string, string>> = {
    tidelane: "",
    "tidelane/sources": "sources/",
    "tidelane/nats": "brokers/nats/",
    "tidelane/amqp": "brokers/amqp/",
    "tidelane/kafka": "brokers/kafka/",
    "tidelane/testing": "testing/",
  };
  return new URL(`../../src/${folders[specifier] ?? ""}index.js`, import.meta.url).href;
}

function once(before: () => Promise<void>, work: () => Promise<unknown>): BurstLoop {
  return {
    fill: before,
    async drain(tally) {
      await work();
      tally.take(0);
    },
    close: async () => {},
  };
}
