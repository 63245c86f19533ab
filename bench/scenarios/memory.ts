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
    middlewareContest("sync", "a handler that answers at once", {}),
    middlewareContest("async", "an async handler", { async: true }),
    middlewareContest("bare", "no decoding, a handler that answers at once", { decode: false }),
    {
      name: "memory-decoding",
      title: "Memory: decoding",
      work,
      loops: [
        loop("bytes-512", "decode of 512 B", "sequential"),
        loop("bytes-64", "decode of 64 B", "sequential", { bytes: 64 }),
        loop("bytes-1024", "decode of 1 KiB", "sequential", { bytes: 1024 }),
        loop("undecoded", "no decode", "sequential", { decode: false }),
      ],
    },
  ];
}

/** What a middleware may leave of the speed: it costs less than 8 %. */
const share = 0.92;

/** One that returns what `next()` gave it, and one that awaits it, as a logging one does. */
function middlewareContest(name: string, handler: string, parameters: Parameters): Contest {
  const layered = (middleware: number, awaits: boolean): LoopSpec =>
    loop(
      `${awaits ? "awaiting" : "passing"}-${middleware}`,
      `${middleware} middleware, ${awaits ? "async" : "passing on"}`,
      "sequential",
      { ...parameters, middleware, awaits },
      [{ loop: "plain", atLeast: Number((share ** middleware).toFixed(2)) }],
    );
  return {
    name: `memory-middleware-${name}`,
    title: `Memory: middleware over ${handler}`,
    work,
    loops: [
      loop("plain", "no middleware", "sequential", parameters),
      layered(1, false),
      layered(4, false),
      layered(1, true),
      layered(4, true),
    ],
  };
}
