import type { Contest, LoopSpec } from "../method/contract.ts";
import type { Addresses } from "./index.ts";

interface Outlet {
  readonly name: string;
  readonly title: string;
  readonly address: string | undefined;
  readonly loops: readonly [LoopSpec, ...LoopSpec[]];
}

function contest({ name, title, address = "", loops }: Outlet): Contest {
  return {
    name: `publish-${name}`,
    title: `Publish, 512 B JSON, 256 at once, confirmed: ${title}`,
    work: { kind: "burst", size: 2560, address },
    loops,
  };
}

function against(raw: string, label: string, module: string, app: string, type = ""): Outlet["loops"] {
  const parameters = type === "" ? {} : { type };
  return [
    { name: "raw", label, module, make: raw, parameters },
    {
      name: "app",
      label: "tidelane",
      module,
      make: app,
      parameters,
      against: [{ loop: "raw", atLeast: 1 }],
    },
  ];
}

/** Each burst is on the server when it ends. */
export function publishContests({ nats, rabbitmq, kafka }: Addresses): readonly Contest[] {
  const onNats = "loops/publish-nats.js";
  const onRabbitMq = "loops/publish-rabbitmq.js";
  const onKafka = "loops/publish-kafka.js";
  const flush = "raw: nats.js publish() and flush()";
  const confirms = "raw: amqplib waitForConfirms()";
  return [
    contest({
      name: "nats",
      title: "NATS core",
      address: nats,
      loops: against("raw", flush, onNats, "app"),
    }),
    contest({
      name: "jetstream",
      title: "JetStream",
      address: nats,
      loops: against("rawJetStream", "raw: nats.js jetstream publish()", onNats, "appJetStream"),
    }),
    ...["quorum", "classic"].map((type) =>
      contest({
        name: `rabbitmq-${type}`,
        title: `RabbitMQ, ${type} queue`,
        address: rabbitmq,
        loops: against("raw", confirms, onRabbitMq, "app", type),
      }),
    ),
    contest({
      name: "kafka",
      title: "Kafka, 4 partitions",
      address: kafka,
      loops: [
        { name: "batch", label: "raw: kafkajs, one send()", module: onKafka, make: "rawBatch" },
        { name: "each", label: "raw: kafkajs, a send() each", module: onKafka, make: "rawEach" },
        {
          name: "app",
          label: "tidelane",
          module: onKafka,
          make: "app",
          against: [
            { loop: "batch", atLeast: 1 },
            { loop: "each", atLeast: 1 },
          ],
        },
      ],
    }),
  ];
}
