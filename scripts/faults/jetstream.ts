import * as natsIo from "@nats-io/transport-node";
import * as nats from "nats";
import { type ClientModule, JetStreamBroker } from "tidelane/nats";
import type { FaultPlan } from "./plan.ts";
import { type FaultFacts, type FaultPlugIn, type Line, type Station, throughProxy } from "./plug-in.ts";

const ackDeadlineMs = 3_000;

async function connect(line: Line, client: ClientModule): Promise<Station> {
  const broker = new JetStreamBroker({
    servers: throughProxy(line),
    client,
    pingIntervalMs: 500,
    publishTimeoutMs: 20_000,
    reconnect: { initialMs: 20, maxMs: 200 },
  });
  const connection = await broker.connect();
  const publisher = connection.publisher({ resend: true });
  return {
    declare: async ({ topic, group, inFlight }) => {
      await connection.createStream(topic, { subjects: [topic] });
      await (await connection.subscribe(topic, options(group, inFlight))).close();
    },
    subscribe: ({ topic, group, inFlight }) => connection.subscribe(topic, options(group, inFlight)),
    publish: ({ topic }, { key, payload, id }) =>
      publisher.publish({ topic, key, payload }, { messageId: id }),
    settled: ({ topic, group }) => settled(line, topic, group),
    close: () => connection.close(),
  };
}

/** Asked past the proxy, which may be stalled. */
async function settled({ contact }: Line, stream: string, group: string): Promise<number> {
  const connection = await nats.connect({ servers: contact.address });
  try {
    const manager = await connection.jetstreamManager();
    const { delivered, num_ack_pending } = await manager.consumers.info(stream, group);
    return delivered.stream_seq - num_ack_pending;
  } finally {
    await connection.close();
  }
}

function options(group: string, inFlight: number) {
  return {
    group,
    from: "start",
    ackDeadlineMs,
    maxInFlight: inFlight,
    sole: true,
    heartbeatMs: 300,
  } as const;
}

function mostRepeats({ kind, times, how }: FaultPlan, { inFlight, forgotten }: FaultFacts): number {
  if (kind === "reopen" && how === "drain") return 0;
  return times * inFlight + forgotten;
}

function plugIn(name: string, client: ClientModule): FaultPlugIn {
  return {
    name,
    server: "nats",
    furtherKinds: [],
    storesOnce: true,
    quietMs: ackDeadlineMs + 500,
    connect: (line) => connect(line, client),
    mostRepeats,
    repeatsWhy: `a fault: what was in flight; a killed server also what it says afterwards it has no ack of, as it writes them late; a drain: none`,
  };
}

/** JetStream over the package `nats`. */
export const jetStream: FaultPlugIn = plugIn("jetstream", nats);

/** JetStream over `@nats-io/transport-node`. */
export const jetStreamOverNatsIo: FaultPlugIn = plugIn("nats-io", natsIo);
