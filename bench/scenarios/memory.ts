import type { Contest, LoopSpec, Parameters, Rival } from "../method/contract.ts";

const module = "loops/memory.js";

function loop(
  name: string,
  label: string,
  make: string,
  parameters: Parameters = {},
  against?: readonly Rival[],
): LoopSpec {
  return { name, label, module, make, parameters, ...(against && { against }) };
}

/** So that all keys have deliveries at once. */
const maxInFlight = 100_000;

const work = { kind: "burst", size: 10_240 } as const;

/** The runtime over the memory broker: what each step adds to a message. */
export function memoryContests(): readonly Contest[] {
  return [
    {
      name: "memory-consume",
      title: "Memory: consume and settle",
      work,
      loops: [
        loop("for-await", "for await, ack", "forAwait"),
        loop("sequential", "pipeline, one at a time", "sequential", {}, [
          { loop: "for-await", atLeast: 0.8 },
        ]),
        loop("workers-16", "workers(16)", "workersOnly", { workers: 16 }),
        loop("batches", "batches of 64, ack each", "batches"),
      ],
    },
    {
      name: "memory-keys",
      title: "Memory: workers(16, byKey) by live keys, 100,000 in flight",
      work: { kind: "burst", size: maxInFlight },
      loops: [
        loop("keys-64", "64 keys", "keyed", { keys: 64, maxInFlight }),
        loop("keys-100000", "100,000 keys", "keyed", { keys: 100_000, maxInFlight }, [
          { loop: "keys-64", atLeast: 1 / 1.3 },
        ]),
        loop("retries", "64 keys, 1 % retried", "keyed", { keys: 64, maxInFlight, retries: 10 }),
      ],
    },
    {
      name: "memory-middleware",
      title: "Memory: middleware and decoding",
      work,
      loops: [
        loop("plain", "no middleware", "sequential"),
        loop("middleware-1", "1 middleware", "sequential", { middleware: 1 }),
        loop("middleware-4", "4 middleware", "sequential", { middleware: 4 }),
        loop("bytes-64", "decode of 64 B", "sequential", { bytes: 64 }),
        loop("bytes-1024", "decode of 1 KiB", "sequential", { bytes: 1024 }),
        loop("undecoded", "no decode", "sequential", { decode: false }),
      ],
    },
  ];
}
