import { randomUUID } from "node:crypto";
import type { Contest } from "../method/contract.ts";
import type { Addresses } from "./index.ts";

const module = "loops/request.js";

interface Asked {
  readonly name: string;
  readonly title: string;
  readonly address: string | undefined;
  readonly answers: string;
  readonly raw: string;
  readonly label: string;
  readonly app: string;
}

function contest({ name, title, address = "", answers, raw, label, app }: Asked): Contest {
  const parameters = { name: `bench-${randomUUID()}` };
  const partner = { module: "publishers/answers.js", make: answers, parameters };
  return {
    name: `request-${name}`,
    title: `Request and reply, 512 B JSON, 64 at once: ${title}`,
    work: { kind: "burst", size: 1280, address, partner },
    loops: [
      { name: "raw", label, module, make: raw, parameters },
      {
        name: "app",
        label: "tidelane",
        module,
        make: app,
        parameters,
        against: [{ loop: "raw", atLeast: 0.95 }],
      },
    ],
  };
}

/** Round trips to a process that sends back what it gets. */
export function requestContests({ nats, rabbitmq }: Addresses): readonly Contest[] {
  return [
    contest({
      name: "nats",
      title: "NATS core",
      address: nats,
      answers: "nats",
      raw: "rawNats",
      label: "raw: nats.js request()",
      app: "appNats",
    }),
    contest({
      name: "rabbitmq",
      title: "RabbitMQ",
      address: rabbitmq,
      answers: "rabbitMq",
      raw: "rawRabbitMq",
      label: "raw: amqplib, direct reply-to",
      app: "appRabbitMq",
    }),
  ];
}
