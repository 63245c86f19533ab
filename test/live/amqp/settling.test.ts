import { connect as connectRaw } from "amqplib";
import { headerNames, retryCountIn } from "tidelane";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open, take, takeOne, texts } from "./stage.ts";

await describeLive("rabbitmq", "settling on RabbitMQ", (server) => {
  it("acks in any order, of which none covers what is unsettled", async () => {
    const connection = await connect(server);
    const queue = fresh("acks");
    const orders = await open(connection, queue, { maxInFlight: 500 });
    const publisher = connection.publisher();
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => publisher.publish({ topic: queue, payload: `${index}` })),
    );
    const messages = await take(orders, 500);
    const kept = [7, 50, 51, 499];
    for (const [index, message] of [...messages.entries()].reverse()) {
      if (!kept.includes(index)) await message.ack();
    }
    await orders.close();
    const again = await open(connection, queue);
    const rest = await take(again, kept.length);
    expect(texts(rest)).toEqual(kept.map(String));
    await Promise.all(rest.map((message) => message.ack()));
    await publisher.publish({ topic: queue, payload: "sentinel" });
    expect((await takeOne(again)).text()).toBe("sentinel");
  });

  it("counts each delivery, given back or closed away", async () => {
    const connection = await connect(server);
    const queue = fresh("count");
    let orders = await open(connection, queue);
    await connection.publisher().publish({ topic: queue, payload: "a" });
    for (const count of [1, 2, 3]) {
      const message = await takeOne(orders);
      expect(message.deliveryCount).toBe(count);
      await message.nack();
    }
    expect((await takeOne(orders)).deliveryCount).toBe(4);
    await orders.close();
    orders = await open(connection, queue);
    expect((await takeOne(orders)).deliveryCount).toBe(5);
  });

  it("has no limit of deliveries unless it is given one, and then sets the message aside", async () => {
    const connection = await connect(server, { topology: { queues: [{ name: "tidelane-live-dead" }] } });
    const dead = await connection.subscribe("tidelane-live-dead");
    const [patient, strict] = [fresh("patient"), fresh("strict")];
    const publisher = connection.publisher();
    const orders = await open(connection, patient);
    await publisher.publish({ topic: patient, payload: "a" });
    for (let count = 1; count <= 40; count += 1) {
      const message = await takeOne(orders);
      expect(message.deliveryCount).toBe(count);
      await message.nack();
    }
    const create = { deadLetter: { topic: "tidelane-live-dead" }, maxDeliveries: 2 };
    const limited = await open(connection, strict, { create });
    await publisher.publish({ topic: strict, payload: "b" });
    for (const count of [1, 2]) {
      const message = await takeOne(limited);
      expect(message.deliveryCount).toBe(count);
      await message.nack();
    }
    const letter = await takeOne(dead);
    expect(letter.text()).toBe("b");
    expect(letter.headers.get("x-tidelane-dead-letter-reason")).toBe("delivery_limit");
    expect(letter.headers.get("x-tidelane-dead-letter-source")).toBe(strict);
    await letter.ack();
  });

  it("drops to the dead letter exchange, with the original bytes and headers", async () => {
    const dead = fresh("dead");
    const connection = await connect(server, { topology: { queues: [{ name: dead }] } });
    const queue = fresh("drop");
    const orders = await open(connection, queue, { create: { deadLetter: { topic: dead } } });
    const payload = Uint8Array.of(0xff, 0);
    await connection.publisher().publish({ topic: queue, payload, headers: { a: "1" }, key: "k" });
    await (await takeOne(orders)).nack({ requeue: false });
    const letter = await takeOne(await connection.subscribe(dead));
    expect(letter.payload).toEqual(payload);
    expect(letter.headers.get("a")).toBe("1");
    expect(letter.partitionKey).toBe("k");
    expect(letter.headers.get("x-tidelane-dead-letter-reason")).toBe("rejected");
  });

  it("later: held here, or in a queue on the server, never early", async () => {
    const connection = await connect(server);
    const [held, queued] = [fresh("held"), fresh("queued")];
    const here = await open(connection, held);
    const there = await open(connection, queued, { delaysMs: [200, 1_000] });
    const publisher = connection.publisher();
    for (const [topic, subscriber] of [
      [held, here],
      [queued, there],
    ] as const) {
      await publisher.publish({ topic, payload: "a", headers: { a: "1" }, key: "k" });
      for (const [delayMs, count] of [
        [150, 2],
        [300, 4],
      ] as const) {
        const message = await takeOne(subscriber);
        const start = performance.now();
        await message.nackAfter(delayMs);
        const again = await takeOne(subscriber);
        expect(performance.now() - start).toBeGreaterThan(delayMs - 5);
        expect(again).toMatchObject({ partitionKey: "k", topic });
        expect(retryCountIn(again.headers, again.topic) + (again.deliveryCount ?? 0)).toBe(count);
        const { retryCount, retryTopic } = headerNames;
        const plain = (from: typeof again) => [...from.headers.without(retryCount).without(retryTopic)];
        expect(plain(again)).toEqual(plain(message));
        expect(again.headers.get(retryTopic)).toBe(subscriber === there ? topic : undefined);
        await again.nack();
      }
    }
  });

  it("holds no more than maxInFlight of what the server has", async () => {
    const connection = await connect(server);
    const queue = fresh("bound");
    const orders = await open(connection, queue, { maxInFlight: 10 });
    const publisher = connection.publisher();
    await Promise.all(Array.from({ length: 200 }, () => publisher.publish({ topic: queue, payload: "x" })));
    await take(orders, 1);
    const other = await connection.subscribe(queue, { maxInFlight: 1_000 });
    expect(await take(other, 190)).toHaveLength(190);
  });

  it("with a single active consumer goes to one at a time, in order", async () => {
    const connection = await connect(server);
    const queue = fresh("single");
    const single = { create: { singleActiveConsumer: true }, maxInFlight: 3 };
    const [one, two] = [await open(connection, queue, single), await open(connection, queue, single)];
    const publisher = connection.publisher();
    for (const payload of ["a", "b", "c", "d", "e", "f"]) await publisher.publish({ topic: queue, payload });
    const first = await take(one, 3);
    expect(texts(first)).toEqual(["a", "b", "c"]);
    await first[0]?.ack();
    await one.close();
    // What the first one held comes before what nobody had.
    expect(texts(await take(two, 3))).toEqual(["b", "c", "d"]);
  });

  it("is told before the channel closes, also when there is more of it than the server takes at once", async () => {
    const connection = await connect(server);
    for (const singleActiveConsumer of [false, true]) {
      const queue = fresh("told");
      const create = { singleActiveConsumer };
      const orders = await open(connection, queue, { create, maxInFlight: 500 });
      const publisher = connection.publisher();
      const numbers = Array.from({ length: 500 }, (_, index) => index);
      await Promise.all(numbers.map((index) => publisher.publish({ topic: queue, payload: `${index}` })));
      const messages = await take(orders, 500);
      // Each second one, from the last: an ack of its own for each.
      for (const [index, message] of [...messages.entries()].reverse()) {
        if (index % 2 === 1) await message.ack();
      }
      await orders.close();
      const again = await open(connection, queue, { create, maxInFlight: 500 });
      const rest = texts(await take(again, 250));
      expect(rest).toEqual(numbers.filter((index) => index % 2 === 0).map(String));
    }
  });

  it("of a queue that is deleted is revoked: a declared one is made again, another one ends its subscription", async () => {
    const connection = await connect(server);
    const [mine, theirs] = [fresh("mine"), fresh("theirs")];
    const declared = await open(connection, mine);
    await (await open(connection, theirs)).close();
    const found = await connection.subscribe(theirs);
    const publisher = connection.publisher();
    await publisher.publish({ topic: mine, payload: "a" });
    const message = await takeOne(declared);
    const end = found[Symbol.asyncIterator]().next();
    const outcome = end.catch((error: unknown) => error);
    await deleteQueues(server.address, mine, theirs);
    expect(await outcome).toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining(`the queue "${theirs}" does not exist`),
    });
    await expect.poll(() => message.signal.aborted).toBe(true);
    await expect(message.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
    const publishing = (): Promise<boolean> =>
      publisher.publish({ topic: mine, payload: "b" }).then(
        () => true,
        () => false,
      );
    await expect.poll(publishing, { timeout: 10_000 }).toBe(true);
    expect((await takeOne(declared)).text()).toBe("b");
  });
});

async function deleteQueues(address: string, ...queues: string[]): Promise<void> {
  const raw = await connectRaw(address);
  const channel = await raw.createChannel();
  for (const queue of queues) await channel.deleteQueue(queue);
  await raw.close();
}
