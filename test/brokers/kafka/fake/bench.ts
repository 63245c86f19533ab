import { channel } from "node:diagnostics_channel";
import { expect, onTestFinished } from "vitest";
import { KafkaBroker } from "../../../../src/brokers/kafka/broker.ts";
import type { KafkaConnection } from "../../../../src/brokers/kafka/connection/connection.ts";
import type { KafkaSubscriber } from "../../../../src/brokers/kafka/consumer/subscriber.ts";
import type { KafkaMessage } from "../../../../src/brokers/kafka/message/message.ts";
import type { KafkaBrokerOptions } from "../../../../src/brokers/kafka/options/options.ts";
import type { KafkaSubscribeOptions } from "../../../../src/brokers/kafka/options/subscription.ts";
import { VirtualClock } from "../../../../src/testing/virtual-clock.ts";
import type { DiagnosticEvents, DiagnosticName } from "../../../../src/traits/diagnostics.ts";
import type { SubscriberIterator } from "../../../../src/traits/subscriber.ts";
import { FakeKafka } from "./module.ts";

/** A connection over the fake, on virtual time. */
export class Bench {
  readonly kafka: FakeKafka = new FakeKafka();
  readonly clock: VirtualClock = new VirtualClock();
  readonly #options: Partial<KafkaBrokerOptions>;
  #connections = 0;

  constructor(options: Partial<KafkaBrokerOptions> = {}) {
    this.#options = options;
    this.kafka.cluster.createTopic("orders");
  }

  get cluster(): FakeKafka["cluster"] {
    return this.kafka.cluster;
  }

  broker(): KafkaBroker {
    const client = this.kafka.module;
    return new KafkaBroker({ brokers: "fake:9092", client, clock: this.clock, ...this.#options });
  }

  /** A connection that is closed when the test is over, and must leave no timer then. */
  async connect(): Promise<KafkaConnection> {
    const connection = await this.broker().connect();
    this.#connections += 1;
    onTestFinished(async () => {
      const down = connection.close();
      for (let turn = 0; turn < 40; turn += 1) await this.clock.advance(1_000);
      await down;
      this.#connections -= 1;
      if (this.#connections === 0) expect(this.clock.timers).toBe(0);
    });
    return connection;
  }

  /** Opens a subscription on a connection of its own. */
  async subscribe(
    topics: string | string[] = "orders",
    options: KafkaSubscribeOptions = { group: "g", from: "start" },
  ): Promise<KafkaSubscriber> {
    const connection = await this.connect();
    return this.settled(connection.subscribe(topics, options));
  }

  /** Lets everything run that can, without time passing, until the promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    await this.clock.flush();
    return promise;
  }

  flush(): Promise<void> {
    return this.clock.flush();
  }

  committed(key = "orders/0", group = "g"): number | undefined {
    return this.cluster.group(group).committed.get(key);
  }
}

/** Up to `max` deliveries that are there now. */
export async function taken(
  bench: Bench,
  iterator: SubscriberIterator<KafkaMessage>,
  max = 1_000,
): Promise<KafkaMessage[]> {
  await bench.flush();
  return iterator.takeReady?.(max) ?? [];
}

export function texts(messages: readonly KafkaMessage[]): string[] {
  return messages.map((message) => message.text());
}

/** The events of a channel from now on. */
export function heard<Name extends DiagnosticName>(name: Name): DiagnosticEvents[Name][] {
  const events: DiagnosticEvents[Name][] = [];
  const listener = (event: unknown): void => {
    events.push(event as DiagnosticEvents[Name]);
  };
  channel(name).subscribe(listener);
  onTestFinished(() => {
    channel(name).unsubscribe(listener);
  });
  return events;
}
