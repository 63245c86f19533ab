import { amqpExclusiveQueue } from "tidelane/amqp";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open, take, takeOne, texts } from "./stage.ts";

const failed = { code: "TIDELANE_PUBLISH_FAILED" };

await describeLive("rabbitmq", "messages on RabbitMQ", (server) => {
  it("come as they went: empty, one byte, 5 MiB, no text, 500 headers, bytes in headers", async () => {
    const connection = await connect(server);
    const queue = fresh("exact");
    const orders = await open(connection, queue);
    const publisher = connection.publisher();
    const large = new Uint8Array(5 * 2 ** 20).map((_, index) => (index * 31) % 251);
    const payloads = [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0xc3, 0x28), large];
    const headers = [
      ["Content-Type", "text/x; q=1"],
      ["X-A", "1"],
      ["x-a", Uint8Array.of(255, 0)],
      ["empty", ""],
      ["nothing", new Uint8Array()],
      ["é", "ü"],
      ...Array.from({ length: 500 }, (_, index) => [`name-${index}`, `value ${index}`] as const),
    ] as const;
    for (const payload of payloads) await publisher.publish({ topic: queue, payload, headers, key: "k" });
    for (const payload of payloads) {
      const message = await takeOne(orders);
      expect(Buffer.compare(message.payload, payload)).toBe(0);
      expect(message.headers.size).toBe(headers.length + 1);
      expect(message.headers.getAll("x-a")).toEqual(["1", Uint8Array.of(255, 0)]);
      expect(message.headers.get("content-type")).toBe("text/x; q=1");
      expect(message.headers.get("é")).toBe("ü");
      expect(message.headers.getBytes("nothing")).toEqual(new Uint8Array());
      expect(message.partitionKey).toBe("k");
      expect(message.topic).toBe(queue);
      await message.ack();
    }
  });

  it("carry priority, expiration and persistence", async () => {
    const connection = await connect(server);
    const queue = fresh("priority");
    await (await open(connection, queue, { type: "classic", create: { maxPriority: 9 } })).close();
    const publisher = connection.publisher();
    for (const priority of [1, 9, 5])
      await publisher.publish({ topic: queue, payload: `${priority}` }, { priority });
    await publisher.publish({ topic: queue, payload: "gone" }, { expirationMs: 0 });
    await publisher.publish({ topic: queue, payload: "light" }, { persistent: false });
    const orders = await connection.subscribe(queue, { type: "classic" });
    const messages = await take(orders, 4);
    expect(texts(messages)).toEqual(["9", "5", "1", "light"]);
    expect(messages.map(({ properties }) => properties.deliveryMode)).toEqual([2, 2, 2, 1]);
  });

  it("no queue takes are an error, and only they, under load", async () => {
    const connection = await connect(server);
    const queue = fresh("mandatory");
    const orders = await open(connection, queue, { maxInFlight: 1_000 });
    const publisher = connection.publisher();
    const calls = Array.from({ length: 900 }, (_, index) =>
      publisher.publish({ topic: index % 3 === 0 ? `${queue}-nowhere` : queue, payload: "same" }),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(
      outcomes.every(({ status }, index) => status === (index % 3 === 0 ? "rejected" : "fulfilled")),
    ).toBe(true);
    expect(outcomes[0]).toMatchObject({ reason: { ...failed, retryable: false } });
    expect(await take(orders, 600)).toHaveLength(600);
  });

  it("to an exchange that does not exist are an error that costs nobody else", async () => {
    const connection = await connect(server);
    const queue = fresh("exchange");
    await open(connection, queue);
    const outcomes = await Promise.allSettled([
      connection.publisher({ exchange: "nope" }).publish({ topic: queue, payload: "a" }),
      connection.publisher().publish({ topic: queue, payload: "b" }),
    ]);
    expect(outcomes).toMatchObject([
      { reason: { ...failed, message: expect.stringContaining('the exchange "nope" does not exist') } },
      { status: "fulfilled" },
    ]);
  });

  it("a full queue refuses may be tried again", async () => {
    const connection = await connect(server);
    const queue = fresh("full");
    const orders = await open(connection, queue, { create: { maxLength: 2 }, maxInFlight: 1 });
    const publisher = connection.publisher();
    let refused: unknown;
    // A quorum queue notices a little late that it is full.
    for (let index = 0; index < 200 && refused === undefined; index += 1) {
      refused = await publisher
        .publish({ topic: queue, payload: `${index}` })
        .catch((error: unknown) => error);
    }
    expect(refused).toMatchObject({ ...failed, retryable: true });
    await orders.close();
  });

  it("go by exchanges, patterns and copies", async () => {
    const exchange = fresh("events");
    const exchanges = [{ name: exchange, type: "topic" }];
    const connection = await connect(server, { topology: { exchanges }, publish: { exchange } });
    const bindings = [{ exchange, routingKey: "order.*" }];
    const [one, two] = [fresh("one"), fresh("two")];
    const readers = [
      await open(connection, one, { bindings }),
      await open(connection, two, { bindings }),
      await connection.subscribe(amqpExclusiveQueue("order.#", { exchange })),
    ];
    await connection.publisher().publish({ topic: "order.placed", payload: "a" });
    for (const reader of readers) {
      const message = await takeOne(reader);
      expect(message).toMatchObject({ topic: "order.placed", exchange });
      await message.ack();
    }
    await expect(connection.publisher().publish({ topic: "invoice", payload: "b" })).rejects.toMatchObject(
      failed,
    );
  });

  it("ask and answer by direct reply-to, many at once", async () => {
    const connection = await connect(server);
    const queue = fresh("service");
    const service = await open(connection, queue);
    const publisher = connection.publisher();
    const serving = (async () => {
      for await (const request of service) {
        const topic = request.headers.get("reply-to") ?? "";
        await publisher.publish({ topic, payload: `to ${request.text()}` });
        await request.ack();
      }
    })();
    const asked = Array.from({ length: 200 }, (_, index) =>
      publisher.request({ topic: queue, payload: `${index}` }, { timeoutMs: 10_000 }),
    );
    const replies = await Promise.all(asked);
    expect(replies.map((reply) => reply.text())).toEqual(asked.map((_, index) => `to ${index}`));
    await expect(
      publisher.request({ topic: `${queue}-nobody`, payload: "?" }, { timeoutMs: 10_000 }),
    ).rejects.toMatchObject(failed);
    await service.close();
    await expect(publisher.request({ topic: queue, payload: "?" }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "TIDELANE_TIMEOUT",
    });
    await serving;
  });
});
