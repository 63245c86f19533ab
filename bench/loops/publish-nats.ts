import { randomUUID } from "node:crypto";
import { connect } from "nats";
import { JetStreamBroker, NatsBroker } from "tidelane/nats";
import type { BurstLoop, LoopContext } from "../method/contract.ts";
import { publishLoop } from "./publish.ts";

/** nats.js: `publish()`, and `flush()`, which resolves when the server has what was sent before. Nobody subscribes. */
export async function raw({ address }: LoopContext): Promise<BurstLoop> {
  const connection = await connect({ servers: address });
  const subject = `bench-${randomUUID()}`;
  return publishLoop({
    publishAll(payloads) {
      for (const payload of payloads) connection.publish(subject, payload);
      return connection.flush();
    },
    close: () => connection.close(),
  });
}

/** The same with an answer for each message, as tidelane gives it: nats.js sends a PING for every `flush()`. */
export async function rawEach({ address }: LoopContext): Promise<BurstLoop> {
  const connection = await connect({ servers: address });
  const subject = `bench-${randomUUID()}`;
  const publish = (payload: Buffer): Promise<void> => {
    connection.publish(subject, payload);
    return connection.flush();
  };
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map(publish)),
    close: () => connection.close(),
  });
}

export async function app({ address }: LoopContext): Promise<BurstLoop> {
  const connection = await new NatsBroker({ servers: address }).connect();
  const publisher = connection.publisher({ confirm: true });
  const topic = `bench-${randomUUID()}`;
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map((payload) => publisher.publish({ topic, payload }))),
    close: () => connection.close(),
  });
}

/** nats.js, `publish()` of its JetStream client, which resolves with the server's ack. */
export async function rawJetStream({ address }: LoopContext): Promise<BurstLoop> {
  const stream = await openStream(address);
  const connection = await connect({ servers: address });
  const client = connection.jetstream();
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map((payload) => client.publish(stream.name, payload))),
    async close() {
      await connection.close();
      await stream.remove();
    },
  });
}

export async function appJetStream({ address }: LoopContext): Promise<BurstLoop> {
  const stream = await openStream(address);
  const connection = await new JetStreamBroker({ servers: address }).connect();
  const publisher = connection.publisher();
  const topic = stream.name;
  return publishLoop({
    publishAll: (payloads) => Promise.all(payloads.map((payload) => publisher.publish({ topic, payload }))),
    async close() {
      await connection.close();
      await stream.remove();
    },
  });
}

/** A stream that keeps a little, of a subject of its name. */
async function openStream(address: string): Promise<{ readonly name: string; remove(): Promise<void> }> {
  const connection = await connect({ servers: address });
  const manager = await connection.jetstreamManager();
  const name = `bench-${randomUUID()}`;
  await manager.streams.add({ name, subjects: [name], max_msgs: 10_000 });
  return {
    name,
    async remove() {
      await manager.streams.delete(name);
      await connection.close();
    },
  };
}
