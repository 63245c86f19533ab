import {
  type Broker,
  createApp,
  MemoryBroker,
  type MemoryConnection,
  memorySource,
  type Publisher,
  rpc,
  type Subscriber,
  systemClock,
} from "tidelane";
import { expect, it } from "vitest";
import { z } from "zod";
import { ReplyInbox } from "../../src/app/reply-inbox.ts";

it("rejects requests once its subscription is over, and does not wait for their time", async () => {
  const connection = await new MemoryBroker().connect();
  const subscriber = await connection.subscribe("replies");
  const publisher = connection.publisher();
  const inbox = new ReplyInbox({
    topic: "replies",
    broker: "memory",
    publisher,
    clock: systemClock,
    subscriber,
  });
  const ask = () => inbox.request({ topic: "quotes", payload: "?" }, { timeoutMs: 60_000 });
  const waiting = expect(ask()).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
  await subscriber.close();
  await inbox.ended;
  await waiting;
  await expect(ask()).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
  await connection.close();
});

/** Without requests of its own. */
class OneWay extends MemoryBroker implements Broker<MemoryConnection> {
  override async connect(): Promise<MemoryConnection> {
    const connection = await super.connect();
    const real = connection.publisher();
    const oneWay: Publisher = {
      capabilities: { ...real.capabilities, requestReply: false },
      publish: (message, options) => real.publish(message, options),
    };
    connection.publisher = () => oneWay as ReturnType<MemoryConnection["publisher"]>;
    return connection;
  }
}

it("is opened again by the next request after its subscription has ended", async () => {
  const opened: Subscriber[] = [];
  const source = memorySource("shop.replies");
  const app = createApp({
    name: "shop",
    broker: new OneWay(),
    replies: {
      source: {
        topic: source.topic,
        capabilities: source.capabilities,
        open: async (connection: MemoryConnection) => {
          const subscriber = await source.open(connection);
          opened.push(subscriber);
          return subscriber;
        },
      },
    },
  });
  const lengths = rpc("lengths", { request: z.string(), reply: z.number() });
  app.respond(lengths, async (text) => text.length);
  await app.start();
  expect(await app.request(lengths, "four")).toBe(4);
  const before = opened.length;
  await opened.at(-1)?.close();
  await expect.poll(() => app.request(lengths, "seven").catch(() => undefined)).toBe(5);
  expect(opened).toHaveLength(before + 1);
  await app.drain();
});
