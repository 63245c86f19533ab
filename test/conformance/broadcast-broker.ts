import {
  type Broker,
  type Capabilities,
  type Connection,
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  Message,
  type MessageHeaders,
  SettleUnsupportedError,
  type Subscriber,
  type SubscriberIterator,
} from "tidelane";
import type { Fixture } from "tidelane/conformance";
import { memoryFixture, memoryOptions } from "./memory-fixture.ts";

/** A message of a transport without acknowledgements: it is gone from the broker when it is handed out. */
class BroadcastMessage extends Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  readonly #key: string | undefined;

  constructor(real: MemoryMessage) {
    super();
    this.topic = real.topic;
    this.payload = real.payload;
    this.headers = real.headers;
    this.#key = real.partitionKey;
  }

  override get partitionKey(): string | undefined {
    return this.#key;
  }

  protected override sendAck(): void {}

  protected override sendNack(requeue: boolean): void {
    if (!requeue) return;
    throw new SettleUnsupportedError({ topic: this.topic, settle: "A requeue", reason: "nobody keeps it" });
  }
}

const modest = {
  settlement: "none",
  requeue: false,
  delayedRequeue: "none",
  deliveryCount: "none",
  groups: false,
  maxInFlight: Number.POSITIVE_INFINITY,
  batches: false,
  seek: false,
  pause: false,
} as const satisfies Partial<Capabilities>;

/** What is published goes to whoever is subscribed, and that is all: no acknowledgement, no group, no redelivery. */
export const broadcastFixture: Fixture<MemoryConnection> = {
  name: "broadcast",
  time: "virtual",
  broker: (environment): Broker<MemoryConnection> => new MemoryBroker(memoryOptions(environment)),
  source: (topic) => {
    const source = memoryFixture.source(topic, {});
    const capabilities: Capabilities = { ...source.capabilities, ...modest };
    return {
      topic,
      capabilities,
      open: async (connection: Connection) =>
        broadcasting(await source.open(connection as MemoryConnection), capabilities),
    };
  },
};

function broadcasting(real: Subscriber, capabilities: Capabilities): Subscriber {
  return {
    topic: real.topic,
    capabilities,
    [Symbol.asyncIterator]: () =>
      handingOut(real[Symbol.asyncIterator]() as SubscriberIterator<MemoryMessage>),
    close: () => real.close(),
    [Symbol.asyncDispose]: () => real.close(),
  };
}

function handingOut(real: SubscriberIterator<MemoryMessage>): SubscriberIterator {
  const next: SubscriberIterator["next"] = async () => {
    const result = await real.next();
    if (result.done) return result;
    // The end of its subscription took it back in this very turn: it was never handed out, and another may have it.
    if (result.value.revoked !== undefined) return next();
    await result.value.ack();
    return { done: false, value: new BroadcastMessage(result.value) };
  };
  return { next, return: () => real.return() };
}
