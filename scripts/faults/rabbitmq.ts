import { AmqpBroker, amqpQueue } from "tidelane/amqp";
import type { FaultPlan } from "./plan.ts";
import {
  type FaultFacts,
  type FaultPlugIn,
  type Line,
  type Place,
  type Station,
  throughProxy,
} from "./plug-in.ts";

async function connect(line: Line): Promise<Station> {
  const broker = new AmqpBroker({
    url: throughProxy(line),
    heartbeatMs: 1_000,
    connectTimeoutMs: 3_000,
    publishTimeoutMs: 20_000,
    reconnect: { initialMs: 20, maxMs: 200 },
  });
  const connection = await broker.connect();
  const publisher = connection.publisher();
  return {
    declare: async (place) => (await connection.subscribe(sourceOf(place))).close(),
    subscribe: (place) => connection.subscribe(sourceOf(place)),
    publish: ({ topic }, { key, payload, id }) =>
      publisher.publish({ topic, key, payload, headers: { "message-id": id } }),
    close: () => connection.close(),
  };
}

/** With a single active consumer, a key is in one process at a time. With several consumers, a queue keeps no order. */
function sourceOf({ topic, inFlight }: Place): ReturnType<typeof amqpQueue> {
  return amqpQueue(topic, { create: { singleActiveConsumer: true }, maxInFlight: inFlight });
}

function mostRepeats({ kind, times, how }: FaultPlan, { inFlight }: FaultFacts): number {
  return kind === "reopen" && how === "drain" ? 0 : times * inFlight;
}

export const rabbitmq: FaultPlugIn = {
  name: "rabbitmq",
  server: "rabbitmq",
  furtherKinds: ["member", "move"],
  storesOnce: false,
  quietMs: 1_000,
  connect,
  mostRepeats,
  repeatsWhy:
    "a fault: what the server had handed to the active consumer and was not told of, its maxInFlight at most; a drain: none",
};
