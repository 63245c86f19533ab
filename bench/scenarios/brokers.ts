import type { Contest, LoopSpec, ModuleSpec, Parameters, Rival } from "../method/contract.ts";
import { workersContest } from "./workers.ts";

interface Broker {
  readonly name: string;
  readonly title: string;
  readonly address: string | undefined;
  readonly publisher: ModuleSpec;
  /** Messages of the first calibration. */
  readonly first: number;
  readonly loops: readonly [LoopSpec, ...LoopSpec[]];
}

function consume({ name, title, address = "", publisher, first, loops }: Broker): Contest {
  const work = { kind: "stream", publisher, address, first } as const;
  return { name: `consume-${name}`, title: `Consume, 512 B JSON: ${title}`, work, loops };
}

function loop(
  module: string,
  make: string,
  label: string,
  against?: readonly Rival[],
  parameters: Parameters = {},
): LoopSpec {
  return { name: make, label, module, make, parameters, ...(against && { against }) };
}

function than(loop: string, atLeast?: number): readonly Rival[] {
  return [{ loop, ...(atLeast !== undefined && { atLeast }) }];
}

export function natsContests({ nats }: { readonly nats?: string }): readonly Contest[] {
  const module = "loops/nats.js";
  return [
    consume({
      name: "nats",
      title: "NATS core",
      address: nats,
      publisher: { module: "publishers/nats.js", make: "core" },
      first: 50_000,
      loops: [
        loop(module, "raw", "raw: nats.js for await"),
        loop(module, "adapter", "adapter", than("raw", 1)),
        loop(module, "app", "app", than("raw", 0.95)),
        loop(module, "appAsync", "app, async handler", than("raw")),
      ],
    }),
    workersContest({
      title: "NATS core",
      address: nats,
      publisher: { module: "publishers/nats.js", make: "core" },
      raw: "nats",
      module,
    }),
  ];
}

export function jetStreamContests({ nats }: { readonly nats?: string }): readonly Contest[] {
  const module = "loops/jetstream.js";
  return [
    consume({
      name: "jetstream",
      title: "JetStream, each acked",
      address: nats,
      publisher: { module: "publishers/nats.js", make: "jetStream" },
      first: 10_000,
      loops: [
        loop(module, "raw", "raw: nats.js consume() and ack()"),
        loop(module, "adapter", "adapter", than("raw")),
        loop(module, "app", "app", than("raw", 1)),
        loop(module, "appAsync", "app, async handler", than("raw")),
      ],
    }),
    workersContest({
      title: "JetStream",
      address: nats,
      publisher: { module: "publishers/nats.js", make: "jetStream" },
      raw: "jetStream",
      module,
    }),
  ];
}

export function rabbitMqContests({ rabbitmq }: { readonly rabbitmq?: string }): readonly Contest[] {
  const module = "loops/rabbitmq.js";
  const consuming = ["quorum", "classic"].map((type) =>
    consume({
      name: `rabbitmq-${type}`,
      title: `RabbitMQ, ${type} queue, each acked`,
      address: rabbitmq,
      publisher: { module: "publishers/rabbitmq.js", make: "confirmed" },
      first: 5_000,
      loops: [
        loop(module, "raw", "raw: amqplib consume and ack", undefined, { type }),
        loop(module, "adapter", "adapter", than("raw"), { type }),
        loop(module, "app", "app", than("raw", 1), { type }),
        loop(module, "appAsync", "app, async handler", than("raw"), { type }),
      ],
    }),
  );
  const keyed = workersContest({
    title: "RabbitMQ, quorum queue",
    address: rabbitmq,
    publisher: { module: "publishers/rabbitmq.js", make: "confirmed" },
    raw: "rabbitMq",
    module,
  });
  return [...consuming, keyed];
}

export function kafkaContests({ kafka = "" }: { readonly kafka?: string }): readonly Contest[] {
  const module = "loops/kafka.js";
  const publisher = { module: "publishers/kafka.js", make: "batched" };
  const loops: Broker["loops"] = [
    loop(module, "eachMessage", "raw: kafkajs eachMessage"),
    loop(module, "eachBatch", "raw: kafkajs eachBatch"),
    loop(module, "adapter", "adapter", [...than("eachMessage"), ...than("eachBatch")]),
    loop(module, "app", "app", [...than("eachMessage", 1.5), ...than("eachBatch", 0.95)]),
    loop(module, "appAsync", "app, async handler", [...than("eachMessage"), ...than("eachBatch")]),
  ];
  const title = "Kafka, 4 partitions, committed";
  const log = { kind: "log", publisher, address: kafka, rate: 150_000 } as const;
  return [
    consume({ name: "kafka", title, address: kafka, publisher, first: 20_000, loops }),
    { name: "read-kafka", title: `Read a log from its start, 512 B JSON: ${title}`, work: log, loops },
    workersContest({ title: "Kafka, 4 partitions", address: kafka, publisher, raw: "kafka", module }),
  ];
}
