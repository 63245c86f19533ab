// A broker of your own, and the laws it is held to. This one keeps messages in an array and has no groups.
import { test } from "node:test";
import {
  type Broker,
  type Capabilities,
  type Connection,
  ConnectionClosedError,
  type ConnectionState,
  checkOutgoing,
  headerNames,
  Message,
  type MessageHeaders,
  type OutgoingMessage,
  Outlet,
  type Publisher,
  type PublisherCapabilities,
  type Subscriber,
  type SubscriberIterator,
  type SubscriptionSource,
} from "tidelane";
import { conformance } from "tidelane/conformance";

const claims: Capabilities = {
  settlement: "ack",
  requeue: true,
  delayedRequeue: "none",
  deliveryCount: "none",
  order: "topic",
  partitionKey: true,
  groups: false,
  backlog: false,
  maxInFlight: Number.POSITIVE_INFINITY,
  deadLetter: false,
  batches: false,
  seek: false,
  pause: false,
};

const limits: PublisherCapabilities = {
  confirmation: "broker",
  headerValues: "bytes",
  duplicateHeaders: true,
  maxPayloadBytes: Number.POSITIVE_INFINITY,
  transactions: false,
  requestReply: false,
};

type Stored = ReturnType<typeof checkOutgoing>;

class ToyMessage extends Message {
  readonly stored: Stored;
  readonly #from: ToySubscriber;

  constructor(stored: Stored, from: ToySubscriber) {
    super();
    this.stored = stored;
    this.#from = from;
  }

  get topic(): string {
    return this.stored.topic;
  }
  get payload(): Uint8Array {
    return this.stored.payload;
  }
  get headers(): MessageHeaders {
    return this.stored.headers;
  }
  override get partitionKey(): string | undefined {
    return this.headers.get(headerNames.partitionKey);
  }

  // The guard around these is in Message: they are called once, and never on a delivery that was lost.
  protected override sendAck(): void {
    this.#from.settled(this, false);
  }
  protected override sendNack(requeue: boolean): void {
    this.#from.settled(this, requeue);
  }
  override lose(reason: string): void {
    super.lose(reason);
  }
}

class ToySubscriber implements Subscriber<ToyMessage> {
  readonly topic: string;
  readonly capabilities = claims;
  readonly #waiting: Stored[] = [];
  readonly #held = new Set<ToyMessage>();
  // The outlet keeps the rules of iteration: one iterator at a time, break loses nothing, close ends every next().
  readonly #outlet = new Outlet<ToyMessage>("toy", { take: (max) => this.#take(max) });
  readonly #onClose: (subscriber: ToySubscriber) => void;

  constructor(topic: string, onClose: (subscriber: ToySubscriber) => void) {
    this.topic = topic;
    this.#onClose = onClose;
  }

  offer(stored: Stored): void {
    this.#waiting.push(stored);
    this.#outlet.serve();
  }

  settled(message: ToyMessage, requeue: boolean): void {
    this.#held.delete(message);
    if (!requeue) return;
    this.#waiting.unshift(message.stored);
    this.#outlet.serve();
  }

  [Symbol.asyncIterator](): SubscriberIterator<ToyMessage> {
    return this.#outlet.iterate();
  }

  async close(): Promise<void> {
    this.#onClose(this);
    this.#waiting.length = 0;
    this.#outlet.end();
    for (const message of this.#held) message.lose("its subscriber was closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(max: number): ToyMessage[] {
    const messages = this.#waiting.splice(0, max).map((stored) => new ToyMessage(stored, this));
    for (const message of messages) this.#held.add(message);
    return messages;
  }
}

class ToyConnection implements Connection {
  readonly #bus: Set<ToySubscriber>;
  readonly #own = new Set<ToySubscriber>();
  state: ConnectionState = "open";

  constructor(bus: Set<ToySubscriber>) {
    this.#bus = bus;
  }

  publisher(): Publisher {
    return { capabilities: limits, publish: async (message) => this.#publish(message) };
  }

  subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S> {
    return source.open(this);
  }

  open(topic: string): ToySubscriber {
    this.#check("subscribe()");
    const subscriber = new ToySubscriber(topic, (closed) => {
      this.#bus.delete(closed);
      this.#own.delete(closed);
    });
    this.#bus.add(subscriber);
    this.#own.add(subscriber);
    return subscriber;
  }

  async shutdown(): Promise<void> {
    this.state = "closed";
    for (const subscriber of this.#own) await subscriber.close();
  }

  close(): Promise<void> {
    return this.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #publish(message: OutgoingMessage): void {
    this.#check("publish()");
    const stored = checkOutgoing(message, limits, { keyHeader: true });
    for (const subscriber of this.#bus) if (subscriber.topic === stored.topic) subscriber.offer(stored);
  }

  #check(during: string): void {
    if (this.state === "closed") throw new ConnectionClosedError({ broker: "toy", during });
  }
}

class ToyBroker implements Broker<ToyConnection> {
  readonly name = "toy";
  readonly #bus = new Set<ToySubscriber>();

  async connect(options?: { readonly signal?: AbortSignal }): Promise<ToyConnection> {
    options?.signal?.throwIfAborted();
    return new ToyConnection(this.#bus);
  }
}

const toySource = (topic: string): SubscriptionSource<ToyConnection, ToySubscriber> => ({
  topic,
  capabilities: claims,
  open: async (connection) => connection.open(topic),
});

conformance({
  test,
  fixture: { name: "toy", time: "virtual", broker: () => new ToyBroker(), source: toySource },
});
