import type { Contest, LoopSpec, Parameters } from "../method/contract.ts";
import type { Addresses } from "./index.ts";

const nest = "peers/nest.js";
const moleculer = "peers/moleculer.js";

function loop(name: string, label: string, module: string, make: string, parameters?: Parameters): LoopSpec {
  return { name, label, module, make, ...(parameters && { parameters }), against: [] };
}

const ahead = 1.5;

/** The same messages through what people use in place of a client, each written as its documentation has it. */
export function peersContests(addresses: Addresses): readonly Contest[] {
  return [...brokerContests(addresses), lanes(64), lanes(10_000)];
}

function brokerContests({ nats = "", rabbitmq = "", kafka = "" }: Addresses): readonly Contest[] {
  const exchange = { exchange: true };
  return [
    {
      name: "peers-nats",
      title: "Peers, consume 512 B JSON: NATS core",
      work: {
        kind: "stream",
        publisher: { module: "publishers/nats.js", make: "core" },
        address: nats,
        first: 20_000,
      },
      loops: [
        loop("nest", "NestJS, NATS transport", nest, "nats"),
        { ...loop("app", "app", "loops/nats.js", "app"), against: [{ loop: "nest", atLeast: ahead }] },
      ],
    },
    {
      name: "peers-jetstream",
      title: "Peers, consume 512 B JSON: JetStream, each acked",
      work: {
        kind: "stream",
        publisher: { module: "publishers/nats.js", make: "jetStream" },
        address: nats,
        first: 5_000,
      },
      loops: [
        loop("moleculer", "@moleculer/channels, NATS adapter", moleculer, "jetStream"),
        { ...loop("app", "app", "loops/jetstream.js", "app"), against: [{ loop: "moleculer" }] },
      ],
    },
    {
      name: "peers-rabbitmq",
      title: "Peers, consume 512 B JSON: RabbitMQ, quorum queue, each acked",
      work: {
        kind: "stream",
        publisher: { module: "publishers/rabbitmq.js", make: "confirmed", parameters: exchange },
        address: rabbitmq,
        first: 5_000,
      },
      loops: [
        loop("nest", "NestJS, RabbitMQ transport", nest, "rabbitMq"),
        loop("rabbitmq-client", "rabbitmq-client, createConsumer()", "peers/rabbitmq-client.js", "consumer"),
        loop("moleculer", "@moleculer/channels, AMQP adapter", moleculer, "rabbitMq"),
        {
          ...loop("app", "app", "loops/rabbitmq.js", "app", { type: "quorum", ...exchange }),
          against: [{ loop: "nest", atLeast: ahead }, { loop: "rabbitmq-client" }, { loop: "moleculer" }],
        },
      ],
    },
    {
      // @moleculer/channels commits every message with a request of its own, and waits for it. So a few thousand
      // messages take the time of a whole round.
      name: "peers-kafka",
      title: "Peers, read a log from its start, 512 B JSON: Kafka, 4 partitions, committed",
      work: {
        kind: "log",
        publisher: { module: "publishers/kafka.js", make: "batched" },
        address: kafka,
        rate: 60_000,
      },
      loops: [
        loop("nest", "NestJS, Kafka transport", nest, "kafka"),
        { ...loop("app", "app", "loops/kafka.js", "app"), against: [{ loop: "nest", atLeast: ahead }] },
      ],
    },
  ];
}

function lanes(keys: number): Contest {
  const parameters = { keys };
  return {
    name: `peers-lanes-${keys}`,
    title: `Peers, lanes: sixteen workers, ${keys.toLocaleString("en")} keys, settle included`,
    work: { kind: "burst", size: 10_000 },
    loops: [
      loop("fastq", "fastq for each key", "peers/lanes.js", "fastqLanes", parameters),
      {
        ...loop("tidelane", "workers(16, byKey)", "loops/memory.js", "keyed", { ...parameters, async: true }),
        against: [{ loop: "fastq" }],
      },
    ],
  };
}
