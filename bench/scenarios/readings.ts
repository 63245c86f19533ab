import type { Parameters } from "../method/contract.ts";
import type { Reading } from "../method/reading.ts";

const young = ["--min-semi-space-size=512", "--max-semi-space-size=512"];

/** `quick`: the same of fewer messages. */
export function readings({ quick }: { readonly quick: boolean }): readonly Reading[] {
  const of = (make: string, parameters: Parameters) => ({
    name: make,
    module: "loops/readings.js",
    make,
    parameters,
  });
  const stretch = quick ? 100_000 : 1_000_000;
  const counted = stretch.toLocaleString("en");
  return [
    {
      ...of("allocated", { messages: 50_000 }),
      label: "heap allocated for a message, published to settled, memory broker",
      unit: "B",
      atMost: 1024,
      flags: young,
    },
    {
      ...of("inFlight", { messages: 100_000 }),
      label: "heap held by a message in flight, beyond its payload, `workers(16, byKey)`",
      unit: "B",
      atMost: 1024,
    },
    {
      ...of("uptime", { messages: stretch }),
      label: `processor time of the tenth ${counted} messages, of that of the first`,
      unit: "×",
      atMost: 1.05,
    },
    {
      ...of("histories", { runs: quick ? 20 : 200 }),
      label: "conformance histories on the memory broker",
      unit: "/s",
    },
    {
      name: "gzipped",
      module: "loops/size.js",
      make: "gzipped",
      label: "root entry, minified and gzipped, without dependencies",
      unit: "KiB",
      atMost: 20,
    },
  ];
}
