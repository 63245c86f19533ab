import type { Contest, LoopSpec, Parameters } from "../method/contract.ts";

const module = "loops/cold.js";

function load(specifier: string, atMostMs?: number, parameters: Parameters = {}): LoopSpec {
  const given = parameters["client"] === undefined ? "" : ", its client loaded before";
  const label = `import ${specifier}${given}`;
  const all = { specifier, ...parameters };
  return {
    name: specifier,
    label,
    module,
    make: "load",
    parameters: all,
    ...(atMostMs !== undefined && { atMostMs }),
  };
}

/** In milliseconds, in a process that has loaded nothing else. */
export function coldContests(): readonly Contest[] {
  return [
    {
      name: "cold",
      title: "Cold start",
      work: { kind: "start" },
      loops: [
        load("tidelane", 30),
        load("tidelane/nats", 15, { client: "nats" }),
        load("tidelane/amqp", 15, { client: "amqplib" }),
        load("tidelane/kafka", 15, { client: "kafkajs" }),
        {
          name: "first-message",
          label: "import tidelane to the first message handled",
          module,
          make: "firstMessage",
        },
        load("nats"),
        load("amqplib"),
        load("kafkajs"),
      ],
    },
  ];
}
