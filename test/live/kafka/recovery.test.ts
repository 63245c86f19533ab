import type { KafkaConnection, KafkaSubscriber } from "tidelane/kafka";
import { expect, it } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import { quickServer } from "./fixture.ts";
import { connect, pause, quick, takeOne, through, topicOf, until } from "./stage.ts";

const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
const partitions = 4;

/** Timeouts with which a connection that stalls is given up soon. */
const impatient = { requestTimeoutMs: 1_500, reconnect: { initialMs: 20, maxMs: 200 } } as const;

/** Publishes to every key at once, each message of a key after the one before was confirmed, until it is stopped. */
class Writer {
  confirmed = 0;
  readonly #perKey = new Map<string, number>();
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(connection: KafkaConnection, topic: string) {
    const publisher = connection.publisher();
    this.#done = Promise.all(
      keys.map(async (key) => {
        for (let sequence = 1; !this.#stopped; ) {
          try {
            await publisher.publish({ topic, key, payload: String(sequence) });
            this.#perKey.set(key, sequence);
            this.confirmed += 1;
            sequence += 1;
          } catch {
            await pause(5);
          }
        }
      }),
    );
  }

  async stop(): Promise<ReadonlyMap<string, number>> {
    this.#stopped = true;
    await this.#done;
    return this.#perKey;
  }
}

/** Handles each delivery in turn, and acks it a little later, so that acks are on their way when something breaks. */
class Reader {
  handled = 0;
  /** The last of each key that was handled for the first time. */
  readonly last = new Map<string, number>();
  readonly outOfOrder: string[] = [];
  readonly #loop: Promise<void>;

  constructor(subscriber: KafkaSubscriber) {
    this.#loop = this.#run(subscriber);
  }

  async #run(subscriber: KafkaSubscriber): Promise<void> {
    for await (const message of subscriber) {
      const key = message.partitionKey ?? "";
      const sequence = Number(message.text());
      const last = this.last.get(key) ?? 0;
      this.handled += 1;
      if (sequence > last + 1) this.outOfOrder.push(`${key}: ${sequence} after ${last}`);
      if (sequence > last) this.last.set(key, sequence);
      if (this.handled % 7 === 0) await pause(1);
      message.ack().catch(() => undefined);
    }
  }

  async end(subscriber: KafkaSubscriber): Promise<void> {
    await subscriber.close();
    await this.#loop;
  }
}

/** Writes and reads while `harm` is done; then everything confirmed has to be handled, and every key in order. */
async function survives(
  writing: KafkaConnection,
  reading: KafkaConnection,
  server: Server,
  harm: () => Promise<void>,
): Promise<void> {
  const topic = await topicOf(server, partitions);
  const subscriber = await reading.subscribe(topic, { ...quick, group: `${topic}-group` });
  const reader = new Reader(subscriber);
  const writer = new Writer(writing, topic);
  await until("the first five hundred", () => writer.confirmed > 500);
  await harm();
  const before = writer.confirmed;
  await until("another five hundred", () => writer.confirmed > before + 500, 60_000);
  const confirmed = await writer.stop();
  await until("everything confirmed is handled", () =>
    keys.every((key) => (reader.last.get(key) ?? 0) >= (confirmed.get(key) ?? 0)),
  );
  await reader.end(subscriber);
  expect(reader.outOfOrder).toEqual([]);
}

function open(...connections: KafkaConnection[]): boolean {
  return connections.every(({ state }) => state === "open");
}

await describeLive(
  "kafka",
  "Kafka under harm",
  (server) => {
    const proxied = (): Promise<TcpProxy> => {
      const { hostname, port } = new URL(`tcp://${server.address}`);
      return TcpProxy.to(hostname, Number(port));
    };

    it("loses nothing and keeps every key in order when the server is killed and started again", async () => {
      const [writing, reading] = [await connect(server, impatient), await connect(server, impatient)];
      await survives(writing, reading, server, async () => {
        await server.kill();
        await until("the loss is noticed", () => reading.state === "reconnecting");
        await server.restart();
        await until("both are back", () => open(reading, writing));
      });
    }, 180_000);

    it("the same when connections are cut, of the writer, the reader, or both", async () => {
      await using one = await proxied();
      await using two = await proxied();
      const writing = await connect(server, { ...impatient, ...through(one) });
      const reading = await connect(server, { ...impatient, ...through(two) });
      await survives(writing, reading, server, async () => {
        for (let round = 0; round < 6; round += 1) {
          await pause(100 + 200 * Math.random());
          if (round % 3 !== 1) one.cut();
          if (round % 3 !== 0) two.cut();
        }
        await until("both are back", () => open(reading, writing));
      });
    }, 120_000);

    it("the same when the network stalls", async () => {
      await using proxy = await proxied();
      const writing = await connect(server, { ...impatient, ...through(proxy) });
      const reading = await connect(server, { ...impatient, ...through(proxy) });
      await survives(writing, reading, server, async () => {
        proxy.stall();
        await pause(3_000);
        proxy.resume();
        await until("both are back", () => open(reading, writing));
      });
    }, 120_000);

    it("answers that a delivery is revoked when its membership was, and gives it out once more", async () => {
      await using proxy = await proxied();
      const connection = await connect(server, { ...impatient, ...through(proxy) });
      const topic = await topicOf(server);
      const orders = await connection.subscribe(topic, { ...quick, group: `${topic}-group` });
      await connection.publisher().publish({ topic, payload: "a" });
      const held = await takeOne(orders);
      proxy.stall();
      await until("it is revoked", () => held.signal.aborted);
      proxy.resume();
      await expect(held.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      const again = await takeOne(orders);
      expect(again.text()).toBe("a");
      await again.ack();
    });

    it("takes back a publish that waits for a server that is gone, by its signal", async () => {
      await using proxy = await proxied();
      const connection = await connect(server, { ...impatient, ...through(proxy) });
      const topic = await topicOf(server);
      const publisher = connection.publisher();
      await publisher.publish({ topic, payload: "a" });
      proxy.stall();
      const abort = new AbortController();
      const publishing = publisher.publish({ topic, payload: "b" }, { signal: abort.signal });
      abort.abort();
      await expect(publishing).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
      const late = connection.publisher({ publishTimeoutMs: 300 }).publish({ topic, payload: "c" });
      await expect(late).rejects.toMatchObject({ code: "TIDELANE_TIMEOUT" });
    });

    it("closes in a bounded time when the server does not answer any more", async () => {
      await using proxy = await proxied();
      const closeTimeoutMs = 500;
      const connection = await connect(server, { ...impatient, closeTimeoutMs, ...through(proxy) });
      const topic = await topicOf(server);
      const orders = await connection.subscribe(topic, { ...quick, group: `${topic}-group` });
      await connection.publisher().publish({ topic, payload: "a" });
      const held = await takeOne(orders);
      proxy.stall();
      const publishing = connection.publisher().publish({ topic, payload: "b" });
      const [outcome] = await Promise.allSettled([publishing, connection.close()]);
      expect(outcome).toMatchObject({ reason: { code: "TIDELANE_CONNECTION_CLOSED" } });
      await expect(held.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      await expect(connection.subscribe(topic)).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    }, 20_000);
  },
  { own: true, config: quickServer },
);
