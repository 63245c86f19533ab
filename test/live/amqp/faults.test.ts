import type { AmqpConnection, AmqpSubscriber } from "tidelane/amqp";
import { expect, it } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import { connect, fresh, open, pause, until } from "./stage.ts";

const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);

/** Publishes to every key at once, each message of a key after the one before was confirmed, until it is stopped. */
class Writer {
  confirmed = 0;
  rejected = 0;
  readonly #perKey = new Map<string, number>();
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(connection: AmqpConnection, topic: string) {
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
            this.rejected += 1;
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
  again = 0;
  lost = 0;
  /** The last of each key that was handled for the first time. */
  readonly last = new Map<string, number>();
  readonly outOfOrder: string[] = [];
  readonly #loop: Promise<void>;

  constructor(subscriber: AmqpSubscriber) {
    this.#loop = this.#run(subscriber);
  }

  async #run(subscriber: AmqpSubscriber): Promise<void> {
    for await (const message of subscriber) {
      const key = message.partitionKey ?? "";
      const sequence = Number(message.text());
      const last = this.last.get(key) ?? 0;
      this.handled += 1;
      if (sequence <= last) this.again += 1;
      else if (sequence > last + 1) this.outOfOrder.push(`${key}: ${sequence} after ${last}`);
      if (sequence > last) this.last.set(key, sequence);
      if (this.handled % 7 === 0) await pause(1);
      message.ack().catch(() => {
        this.lost += 1;
      });
    }
  }

  async end(subscriber: AmqpSubscriber): Promise<void> {
    await subscriber.close();
    await this.#loop;
  }
}

/** Writes and reads while `harm` is done; then everything confirmed has to be handled, and every key in order. */
async function survives(
  writing: AmqpConnection,
  reading: AmqpConnection,
  server: Server,
  harm: () => Promise<void>,
): Promise<{ writer: Writer; reader: Reader }> {
  const queue = fresh("faults");
  const subscriber = await open(reading, queue, { maxInFlight: 64 });
  await server.declarationsKept();
  const reader = new Reader(subscriber);
  const writer = new Writer(writing, queue);
  await until("the first thousand", () => writer.confirmed > 1_000);
  await harm();
  const before = writer.confirmed;
  await until("another thousand", () => writer.confirmed > before + 1_000, 60_000);
  const confirmed = await writer.stop();
  await until("everything confirmed is handled", () =>
    keys.every((key) => (reader.last.get(key) ?? 0) >= (confirmed.get(key) ?? 0)),
  );
  await reader.end(subscriber);
  expect(reader.outOfOrder).toEqual([]);
  expect(reader.handled).toBeGreaterThanOrEqual(writer.confirmed);
  return { writer, reader };
}

await describeLive(
  "rabbitmq",
  "RabbitMQ under harm",
  (server) => {
    const proxied = async (): Promise<TcpProxy & { url: string }> => {
      const { hostname, port, username, password } = new URL(server.address);
      const proxy = await TcpProxy.to(hostname, Number(port));
      return Object.assign(proxy, { url: `amqp://${username}:${password}@127.0.0.1:${proxy.port}` });
    };

    it("loses nothing and keeps every key in order when the server is killed and started again", async () => {
      const [writing, reading] = [await connect(server), await connect(server)];
      const { writer } = await survives(writing, reading, server, async () => {
        for (let round = 0; round < 2; round += 1) {
          await pause(200 + 300 * Math.random());
          await server.kill();
          await until("the loss is noticed", () => reading.state === "reconnecting");
          await server.restart();
          await until("both are back", () => reading.state === "open" && writing.state === "open");
        }
      });
      expect(writer.rejected).toBeGreaterThan(0);
    }, 180_000);

    it("the same when it is stopped in good order", async () => {
      const [writing, reading] = [await connect(server), await connect(server)];
      await survives(writing, reading, server, () => server.restart());
    }, 120_000);

    it("the same when connections are cut, of the writer, the reader, or both", async () => {
      await using one = await proxied();
      await using two = await proxied();
      const writing = await connect(server, { url: one.url });
      const reading = await connect(server, { url: two.url });
      const { reader } = await survives(writing, reading, server, async () => {
        for (let round = 0; round < 10; round += 1) {
          await pause(100 + 200 * Math.random());
          if (round % 3 !== 1) one.cut();
          if (round % 3 !== 0) two.cut();
        }
        await until("both are back", () => reading.state === "open" && writing.state === "open");
      });
      // What was in flight at a cut comes again, and no more than that.
      expect(reader.again).toBeLessThanOrEqual(10 * 64 + 10 * keys.length);
    }, 120_000);

    it("the same when the network stalls: the heartbeats tell", async () => {
      await using proxy = await proxied();
      const writing = await connect(server, { url: proxy.url, heartbeatMs: 1_000 });
      const reading = await connect(server, { url: proxy.url, heartbeatMs: 1_000 });
      await survives(writing, reading, server, async () => {
        proxy.stall();
        const lost = (): boolean => reading.state === "reconnecting" && writing.state === "reconnecting";
        await until("the loss is noticed", lost, 20_000);
        proxy.resume();
        await until("both are back", () => reading.state === "open" && writing.state === "open");
      });
    }, 120_000);

    it("close() is bounded while the network stalls, and while the server is gone", async () => {
      await using proxy = await proxied();
      const connection = await connect(server, { url: proxy.url, closeTimeoutMs: 500 });
      const subscriber = await open(connection, fresh("bounded"));
      const next = subscriber[Symbol.asyncIterator]().next();
      proxy.stall();
      const start = performance.now();
      const publishing = connection.publisher().publish({ topic: "a", payload: "b" });
      const outcome = publishing.catch((error: unknown) => error);
      await connection.close();
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(await next).toEqual({ done: true, value: undefined });
      expect(await outcome).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
      const gone = await connect(server);
      await server.kill();
      await gone.close();
      await server.restart();
    }, 120_000);

    it("a settle of a delivery from before a cut reaches nothing", async () => {
      await using proxy = await proxied();
      const connection = await connect(server, { url: proxy.url });
      const queue = fresh("old");
      const subscriber = await open(connection, queue);
      const publisher = connection.publisher();
      for (const payload of ["a", "b", "c"]) await publisher.publish({ topic: queue, payload });
      const iterator = subscriber[Symbol.asyncIterator]();
      const old = (await iterator.next()).value;
      proxy.cut();
      await expect.poll(() => old?.signal.aborted).toBe(true);
      const again = (await iterator.next()).value;
      expect(again?.text()).toBe("a");
      expect(again?.deliveryCount).toBe(2);
      await expect(old?.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      await again?.nack();
      await subscriber.close();
      const rest = await open(connection, queue);
      const texts: (string | undefined)[] = [];
      for (const reader = rest[Symbol.asyncIterator](); texts.length < 3; ) {
        texts.push((await reader.next()).value?.text());
      }
      expect(texts.sort()).toEqual(["a", "b", "c"]);
    });
  },
  { own: true },
);

await describeLive(
  "rabbitmq",
  "RabbitMQ short of memory",
  (server) => {
    it("keeps publishers waiting, and says so; all else goes on", async () => {
      const connection = await connect(server, { publishTimeoutMs: 1_500 });
      const queue = fresh("blocked");
      const subscriber = await open(connection, queue);
      const publishing = [1, 2].map((each) =>
        connection
          .publisher()
          .publish({ topic: queue, payload: `${each}` })
          .catch((error: unknown) => error),
      );
      await expect.poll(() => connection.blocked, { timeout: 5_000 }).toMatch(/memory/);
      for (const outcome of await Promise.all(publishing)) {
        expect(outcome).toMatchObject({
          code: "TIDELANE_TIMEOUT",
          message: expect.stringContaining("the server blocks publishers: low on memory"),
        });
      }
      await subscriber.close();
      const start = performance.now();
      await connection.close();
      expect(performance.now() - start).toBeLessThan(5_000);
    });
  },
  { own: true, config: ["vm_memory_high_watermark.absolute = 1MB"] },
);
