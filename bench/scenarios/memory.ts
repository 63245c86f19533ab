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

/** What a middleware may leave of the speed of the same layers written by hand. */
const share = 0.92;

/**
 * Middleware that returns what `next()` gave it, beside none; and async middleware that awaits it, as a logging one does,
 * beside a handler that is wrapped in as many async functions by hand. What an async function and an `await` cost is the
 * floor of the second: no library gets below it.
 */
function middlewareContest(name: string, handler: string, parameters: Parameters): Contest {
  const layered = (layers: number, kind: "passing" | "wrapped" | "awaiting"): LoopSpec => {
    const labels = {
      passing: "middleware, passing on",
      wrapped: "by hand, async",
      awaiting: "middleware, async",
    };
    const own =
      kind === "wrapped" ? { wrapped: layers } : { middleware: layers, awaits: kind === "awaiting" };
    const beside = kind === "awaiting" ? `wrapped-${layers}` : "plain";
    const atLeast = Number((share ** layers).toFixed(2));
    const against = kind === "wrapped" ? [] : [{ loop: beside, atLeast }];
    return loop(
      `${kind}-${layers}`,
      `${layers} ${labels[kind]}`,
      "sequential",
      { ...parameters, ...own },
      against,
    );
  };
  return {
    name: `memory-middleware-${name}`,
    title: `Memory: middleware over ${handler}`,
    work,
    loops: [
      loop("plain", "no middleware", "sequential", parameters),
      layered(1, "passing"),
      layered(4, "passing"),
      layered(1, "wrapped"),
      layered(1, "awaiting"),
      layered(4, "wrapped"),
      layered(4, "awaiting"),
    ],
  };
}
