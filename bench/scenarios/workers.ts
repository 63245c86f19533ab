import type { Contest } from "../method/contract.ts";

interface Place {
  readonly title: string;
  readonly address: string | undefined;
  readonly publisher: { readonly module: string; readonly make: string };
  /** The loop by hand in loops/workers.ts. */
  readonly raw: string;
  /** The file with the loop of ours. */
  readonly module: string;
}

/** `workers(8, byKey)` with a handler of 2 ms, 64 keys: what it costs beside waiting. */
export function workersContest({ title, address = "", publisher, raw, module }: Place): Contest {
  return {
    name: `workers-${raw.toLowerCase()}`,
    title: `Eight workers, 64 keys, a handler of 2 ms: ${title}`,
    work: {
      kind: "stream",
      publisher: { ...publisher, parameters: { keys: 64 } },
      address,
      first: 500,
    },
    loops: [
      { name: "raw", label: "raw: p-queue for each key", module: "loops/workers.js", make: raw },
      {
        name: "app",
        label: "workers(8, byKey)",
        module,
        make: "workers",
        parameters: { type: "quorum" },
        against: [{ loop: "raw" }],
      },
    ],
  };
}
