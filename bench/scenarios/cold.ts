import type { Contest, LoopSpec, Parameters } from "../method/contract.ts";

const module = "loops/cold.js";

function load(specifier: string, parameters: Parameters = {}, against?: LoopSpec["against"]): LoopSpec {
  const given = parameters["client"] === undefined ? "" : ", its client loaded before";
  const label = `import ${specifier}${given}`;
  const all = { specifier, ...parameters };
  return { name: specifier, label, module, make: "load", parameters: all, ...(against && { against }) };
}

/** In milliseconds, in a process that has loaded nothing else. */
export function coldContests(): readonly Contest[] {
  return [
    {
      name: "cold",
      title: "Cold start",
      work: { kind: "start" },
      loops: [
        load("tidelane"),
        load("tidelane/nats", { client: "nats" }),
        load("tidelane/amqp", { client: "amqplib" }),
        load("tidelane/kafka", { client: "kafkajs" }),
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
