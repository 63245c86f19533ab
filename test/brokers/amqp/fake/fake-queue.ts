import type {
  AmqpProperties,
  AmqpTable,
  ClientMessage,
  QueueSettings,
} from "../../../../src/brokers/amqp/client.ts";
import type { Clock } from "../../../../src/traits/index.ts";

export interface Entry {
  readonly content: Buffer;
  readonly properties: AmqpProperties;
  readonly exchange: string;
  readonly routingKey: string;
  /** Times it went back. */
  returns: number;
}

/** What a queue sends to, and the channel that holds what it was sent. */
export interface FakeConsumer {
  readonly prefetch: number;
  /** Not settled. */
  readonly held: ReadonlyMap<number, { readonly queue: FakeQueue; readonly entry: Entry }>;
  deliver(queue: FakeQueue, entry: Entry, message: Omit<ClientMessage, "fields">, redelivered: boolean): void;
  cancelled(): void;
}

/** A queue as RabbitMQ 3.10 has it, as far as the adapter can tell. */
export class FakeQueue {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly ready: Entry[] = [];
  readonly consumers: FakeConsumer[] = [];
  readonly #clock: Clock;
  readonly #deadLetter: (entry: Entry, reason: string, from: FakeQueue) => void;

  constructor(
    name: string,
    settings: QueueSettings,
    clock: Clock,
    deadLetter: (entry: Entry, reason: string, from: FakeQueue) => void,
  ) {
    this.name = name;
    this.settings = settings;
    this.#clock = clock;
    this.#deadLetter = deadLetter;
  }

  /** `false`: it is full. */
  push(entry: Entry): boolean {
    const { "x-max-length": maxLength, "x-message-ttl": ttl } = this.settings.arguments;
    if (typeof maxLength === "number" && this.ready.length >= maxLength) return false;
    this.ready.push(entry);
    const expiry = [ttl, entry.properties.expiration].filter((each) => each !== undefined).map(Number);
    if (expiry.length > 0) this.#clock.schedule(Math.min(...expiry), () => this.#expire(entry));
    this.pump();
    return true;
  }

  giveBack(entry: Entry, front: boolean): void {
    entry.returns += 1;
    const limit = this.settings.arguments["x-delivery-limit"];
    if (typeof limit === "number" && entry.returns > limit) this.drop(entry, "delivery_limit");
    else if (front) this.ready.unshift(entry);
    else this.ready.push(entry);
    queueMicrotask(() => this.pump());
  }

  drop(entry: Entry, reason: string): void {
    this.#deadLetter(entry, reason, this);
  }

  /** To whoever has room, in turn. With a single active consumer that is the first of them, and no other. */
  pump(): void {
    const single = this.settings.arguments["x-single-active-consumer"] === true;
    while (this.ready.length > 0) {
      const consumer = (single ? this.consumers.slice(0, 1) : this.consumers).find(
        ({ held, prefetch }) => held.size < prefetch,
      );
      const entry = consumer && this.ready.shift();
      if (consumer === undefined || entry === undefined) return;
      const { content, properties } = entry;
      const counted = this.settings.arguments["x-queue-type"] === "quorum" && entry.returns > 0;
      const headers: AmqpTable = {
        ...properties.headers,
        ...(counted && { "x-delivery-count": entry.returns }),
      };
      consumer.deliver(this, entry, { content, properties: { ...properties, headers } }, entry.returns > 0);
    }
  }

  #expire(entry: Entry): void {
    const index = this.ready.indexOf(entry);
    if (index < 0) return;
    this.ready.splice(index, 1);
    this.drop(entry, "expired");
  }
}
