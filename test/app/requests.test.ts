import {
  type Broker,
  channel,
  createApp,
  headerNames,
  MemoryBroker,
  type MemoryConnection,
  type Publisher,
  RemoteError,
  rpc,
  text,
} from "tidelane";
import { testApp, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Gate } from "../promises/stage.ts";

const quotes = rpc("quotes", {
  request: z.object({ item: z.string() }),
  reply: z.object({ price: z.number() }),
});
const shout = rpc("shout.{tenant}", { request: z.string(), reply: z.string() });

/** The memory broker as one that has no requests of its own: replies come to a topic. */
class OneWayBroker extends MemoryBroker implements Broker<MemoryConnection> {
  override async connect(): Promise<MemoryConnection> {
    const connection = await super.connect();
    const publisher = connection.publisher();
    const oneWay: Publisher = {
      capabilities: { ...publisher.capabilities, requestReply: false },
      publish: (message, options) => publisher.publish(message, options),
    };
    connection.publisher = () => oneWay as ReturnType<MemoryConnection["publisher"]>;
    return connection;
  }
}

const quiet = { onError: () => undefined };
const failing = (): never => {
  throw Object.assign(new Error("no price for that"), { code: "UNKNOWN_ITEM" });
};

describe.each([
  ["a broker with requests of its own", (clock?: VirtualClock) => new MemoryBroker(clock && { clock })],
  ["a reply topic", (clock?: VirtualClock) => new OneWayBroker(clock && { clock })],
])("requests over %s", (_name, broker) => {
  const make = (clock?: VirtualClock, shared = broker(clock)) =>
    createApp({ name: "shop", broker: shared, ...quiet, ...(clock && { clock }) });

  it("are answered, many at once and each with its own reply", async () => {
    const app = make();
    app.respond(quotes, { workers: 4 }, async ({ item }) => ({ price: item.length }));
    await app.start();
    const items = Array.from({ length: 50 }, (_, index) => "x".repeat(index));
    const replies = await Promise.all(items.map((item) => app.request(quotes, { item })));
    expect(replies.map(({ price }) => price)).toEqual(items.map((item) => item.length));
    await app.drain();
  });

  it("reject with the code and the message of a responder that failed, and not with its stack", async () => {
    const app = make();
    app.respond(quotes, failing);
    await app.start();
    const failed: unknown = await app.request(quotes, { item: "tea" }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(RemoteError);
    expect(failed).toMatchObject({
      topic: "quotes",
      remoteCode: "UNKNOWN_ITEM",
      reason: "no price for that",
      message: 'The responder of "quotes" failed with UNKNOWN_ITEM: no price for that.',
    });
    expect((failed as Error).stack).not.toContain("failing");
    await app.drain();
  });

  it("are refused before they leave when they do not fit, and answered so when another sent them", async () => {
    const shared = broker();
    const app = make(undefined, shared);
    let called = 0;
    app.respond(quotes, () => {
      called += 1;
      return { price: 1 };
    });
    await app.start();
    const bad = { item: 7 } as never;
    await expect(app.request(quotes, bad)).rejects.toMatchObject({ code: "TIDELANE_INVALID_MESSAGE" });
    const loose = rpc("quotes", { request: z.unknown(), reply: z.unknown() });
    const other = createApp({ name: "other", broker: shared });
    await other.start();
    await expect(other.request(loose, bad)).rejects.toMatchObject({ remoteCode: "TIDELANE_DECODE" });
    expect(called).toBe(0);
    await app.stop();
  });

  it("reject when the reply does not fit, at the responder", async () => {
    const app = make();
    app.respond(quotes, () => ({ price: "much" }) as never);
    await app.start();
    await expect(app.request(quotes, { item: "tea" })).rejects.toMatchObject({
      remoteCode: "TIDELANE_INVALID_MESSAGE",
      reason: expect.stringContaining("price"),
    });
    await app.drain();
  });

  it("time out, and a reply that comes later finds nobody", async () => {
    const clock = new VirtualClock();
    const app = make(clock);
    const gate = new Gate();
    app.respond(quotes, { workers: 2 }, async ({ item }) => {
      if (item === "slow") await gate.opened;
      return { price: item.length };
    });
    await app.start();
    const late = expect(app.request(quotes, { item: "slow" }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "TIDELANE_TIMEOUT",
      timeoutMs: 50,
    });
    await clock.advance(50);
    await late;
    gate.open();
    await clock.flush();
    expect(await app.request(quotes, { item: "tea" })).toEqual({ price: 3 });
    await app.drain();
    expect(clock.timers).toBe(0);
  });

  it("are taken back by a signal, before and while they wait", async () => {
    const app = make();
    await app.start();
    const controller = new AbortController();
    const { signal } = controller;
    const asked = expect(app.request(quotes, { item: "tea" }, { signal })).rejects.toMatchObject({
      code: "TIDELANE_ABORTED",
    });
    controller.abort();
    await asked;
    await expect(app.request(quotes, { item: "tea" }, { signal })).rejects.toMatchObject({
      code: "TIDELANE_ABORTED",
    });
    await app.drain();
  });

  it("are told that there is no reply any more when their app ends", async () => {
    const app = make();
    await app.start();
    const asked = expect(app.request(quotes, { item: "tea" })).rejects.toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
    await new Promise((resolve) => setImmediate(resolve));
    await app.drain();
    await asked;
  });

  it("have parameters, and a handler may ask", async () => {
    const app = make();
    const orders = channel("orders", { codec: text });
    const got: string[] = [];
    app.respond(shout, (value, { params }) => `${params.tenant}: ${value.toUpperCase()}`);
    app.subscribe(orders, async (order, { request }) => {
      got.push(await request(shout, order, { params: { tenant: "acme" } }));
    });
    await app.start();
    await app.publisher(orders).publish("tea");
    await app.drain();
    expect(got).toEqual(["acme: TEA"]);
  });

  it("of one key are answered in order", async () => {
    const keyed = rpc("keyed", { request: z.string(), reply: z.string(), key: (value) => value.slice(0, 1) });
    const app = make();
    const log: string[] = [];
    app.respond(keyed, { workers: 8 }, async (value, { key }) => {
      log.push(`${value} in`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${value} out`);
      return `${key}`;
    });
    await app.start();
    const replies = await Promise.all(["a1", "a2"].map((value) => app.request(keyed, value)));
    expect(replies).toEqual(["a", "a"]);
    expect(log).toEqual(["a1 in", "a1 out", "a2 in", "a2 out"]);
    await app.drain();
  });
});

describe("a request from elsewhere", () => {
  const asking = async (headers: Record<string, string>): Promise<{ errors: string[]; handled: number }> => {
    const errors: string[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      onError: ({ error }) => void errors.push(String(error)),
    });
    app.respond(quotes, ({ item }) => ({ price: item.length }));
    app.subscribe(channel("orders", { codec: text }), () => undefined);
    await app.start();
    const payload = JSON.stringify({ item: "tea" });
    await app.connection().publisher().publish({ topic: "quotes", payload, headers });
    const { runs } = await app.drain();
    return { errors, handled: runs[0]?.handled ?? 0 };
  };

  it("is handled without an address, and answered by nobody", async () => {
    expect(await asking({})).toEqual({ errors: [], handled: 1 });
  });

  it.each([
    ["a topic the app handles", "orders", "a reply would be taken for a message"],
    ["the requests themselves", "quotes", "a reply would be taken for a message"],
    ["no topic", "*.*", "wildcard"],
  ])("is acked and reported when its reply-to is %s", async (_name, replyTo, sentence) => {
    const { errors, handled } = await asking({ [headerNames.replyTo]: replyTo });
    expect(handled).toBe(1);
    expect(errors).toEqual([expect.stringContaining(sentence)]);
  });

  it("whose reply names a correlation id nobody waits for is no harm", async () => {
    const app = createApp({ name: "shop", broker: new OneWayBroker(), ...quiet });
    app.respond(quotes, ({ item }) => ({ price: item.length }));
    await app.start();
    expect(await app.request(quotes, { item: "tea" })).toEqual({ price: 3 });
    for (const id of ["1", "", "x.1"]) {
      const headers = { [headerNames.correlationId]: id };
      await app.connection().publisher().publish({ topic: "shop.replies", payload: "?", headers });
    }
    expect(await app.request(quotes, { item: "coffee" })).toEqual({ price: 6 });
    await app.drain();
  });
});

describe("a request under test", () => {
  it("lets time pass while it waits: to a retry of what it needs, or to its timeout", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    app.respond(quotes, () => new Promise<never>(() => undefined));
    await using test = await testApp(app, { patienceMs: 30 });
    await expect(test.request(quotes, { item: "tea" })).rejects.toThrow("handlers have not returned");
  });

  it("rejects with the timeout where nobody responds", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    await using test = await testApp(app);
    await expect(test.request(quotes, { item: "tea" })).rejects.toMatchObject({ code: "TIDELANE_TIMEOUT" });
    expect(test.clock.now()).toBe(30_000);
  });
});

describe("rpc()", () => {
  it.each([
    [{ request: z.string() }, 'rpc("quotes", options): reply must be a Standard Schema'],
    [{ request: z.string(), replly: z.string() }, 'has no option "replly"; the nearest one is "reply"'],
    [{ request: z.string(), reply: z.string(), key: 3 }, "key must be a function; received 3"],
  ])("refuses %#", (options, sentence) => {
    expect(() => rpc("quotes", options as never)).toThrow(sentence);
  });

  it("is what respond and request take, and nothing else", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    expect(() => app.respond(channel("quotes") as never, () => 1)).toThrow(
      'app.respond("quotes"): rpc must be an rpc, and this is a channel',
    );
    expect(() => app.respond(quotes, { onFailure: {} } as never, failing)).toThrow('no option "onFailure"');
    await app.start();
    await expect(app.request(channel("quotes") as never, 1 as never)).rejects.toThrow("rpc must be an rpc");
    await app.drain();
  });
});
