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

/** How a client is waited for, in a loop of its own. */
interface Raw {
  readonly name: string;
  readonly label: string;
  readonly make: string;
}

/** tidelane against the client, in each way there is to wait for it. */
function against(
  [first, ...more]: readonly [Raw, ...Raw[]],
  module: string,
  make: string,
  type = "",
): Outlet["loops"] {
  const parameters = type === "" ? {} : { type };
  const raws = [first, ...more];
  const app: LoopSpec = {
    name: "app",
    label: "tidelane",
    module,
    make,
    parameters,
    against: raws.map(({ name }) => ({ loop: name, atLeast: 1 })),
  };
  return [
    { ...first, module, parameters },
    ...more.map((raw) => ({ ...raw, module, parameters, against: [] })),
    app,
  ];
}

/** Each burst is on the server when it ends. */
export function publishContests({ nats, rabbitmq, kafka }: Addresses): readonly Contest[] {
  const onNats = "loops/publish-nats.js";
  const onRabbitMq = "loops/publish-rabbitmq.js";
  const onKafka = "loops/publish-kafka.js";
  const flushes = [
    { name: "raw", label: "raw: nats.js publish(), one flush()", make: "raw" },
    { name: "each", label: "raw: nats.js publish(), a flush() each", make: "rawEach" },
  ] as const;
  const acks = [{ name: "raw", label: "raw: nats.js jetstream publish()", make: "rawJetStream" }] as const;
  const confirms = [
    { name: "raw", label: "raw: amqplib, one waitForConfirms()", make: "raw" },
    { name: "each", label: "raw: amqplib, a confirm each", make: "rawEach" },
  ] as const;
  return [
    contest({
      name: "nats",
      title: "NATS core",
      address: nats,
      loops: against(flushes, onNats, "app"),
    }),
    contest({
      name: "jetstream",
      title: "JetStream",
      address: nats,
      loops: against(acks, onNats, "appJetStream"),
    }),
    ...["quorum", "classic"].map((type) =>
      contest({
        name: `rabbitmq-${type}`,
        title: `RabbitMQ, ${type} queue`,
        address: rabbitmq,
        loops: against(confirms, onRabbitMq, "app", type),
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
