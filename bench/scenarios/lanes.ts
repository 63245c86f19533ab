import type { Contest } from "../method/contract.ts";

const work = { kind: "burst", size: 10_000 } as const;

function contest(keys: number): Contest {
  const parameters = { keys };
  const module = "loops/lanes.js";
  return {
    name: `lanes-${keys}`,
    title: `Lanes: sixteen workers, ${keys.toLocaleString("en")} keys, settle included`,
    work,
    loops: [
      { name: "p-queue", label: "p-queue for each key", module, make: "pQueueLanes", parameters },
      { name: "chains", label: "promise chain for each key", module, make: "promiseChains", parameters },
      {
        name: "bounded",
        label: "promise chain for each key, sixteen at once",
        module,
        make: "boundedChains",
        parameters,
      },
      { name: "hash", label: "hash % 16", module, make: "hashLanes", parameters },
      {
        name: "tidelane",
        label: "workers(16, byKey)",
        module: "loops/memory.js",
        make: "keyed",
        parameters: { ...parameters, async: true },
        against: [
          { loop: "p-queue", atLeast: 3 },
          { loop: "bounded", atLeast: 1.3 },
          { loop: "chains" },
          { loop: "hash" },
        ],
      },
    ],
  };
}

/** Keyed work over the memory broker, against what people build by hand. */
export function lanesContests(): readonly Contest[] {
  return [contest(64), contest(10_000)];
}
