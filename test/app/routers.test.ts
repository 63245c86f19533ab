import { channel, createApp, MemoryBroker, type Outgoing, type Router, text } from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";

const orders = channel("orders", { codec: text });
const invoices = channel("invoices", { codec: text });

describe("a router", () => {
  it("puts its prefix before what its handlers read and publish, inside that of the outer one", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const eu = app.router({ prefix: "eu." });
    const test = eu.router({ prefix: "test." });
    test.subscribe(orders, async (order, { publish, topic }) => publish(invoices, `${order} at ${topic}`));
    const got: string[] = [];
    eu.router({ prefix: "test." }).subscribe(invoices, (invoice) => void got.push(invoice));
    const publisher = test.publisher(orders);
    await using under = await testApp(app);
    await publisher.publish("tea");
    await under.quiet();
    expect(got).toEqual(["tea at eu.test.orders"]);
    expect(under.publishedMessages(invoices)).toMatchObject([{ topic: "eu.test.invoices" }]);
  });

  it("reads the parameters of a topic behind its prefix", async () => {
    const tenants = channel("orders.{tenant}", { codec: text });
    const app = createApp({ name: "shop", broker: new MemoryBroker(), prefix: "eu." });
    const got: unknown[] = [];
    app.subscribe(tenants, (_order, { params }) => void got.push(params));
    await using test = await testApp(app);
    await app.publisher(tenants).publish("tea", { params: { tenant: "acme" } });
    await test.quiet();
    expect(got).toEqual([{ tenant: "acme" }]);
  });

  it("is what a part of the service in another file takes", async () => {
    const billing = (part: Router<MemoryBroker>): void => {
      part.subscribe(orders, { group: "billing" }, async (order, { publish }) => {
        await publish(invoices, order);
      });
    };
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    billing(app.router({ prefix: "shop." }));
    expect(app.describe().subscriptions).toMatchObject([{ topic: "shop.orders", group: "billing" }]);
  });

  it("gives its handlers its workers and its group", () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker(), workers: 2, group: "a" });
    app.subscribe(orders, () => undefined);
    app.router({ workers: 8 }).subscribe(invoices, { group: "b" }, () => undefined);
    expect(app.describe().subscriptions).toMatchObject([
      { workers: 2, group: "a" },
      { workers: 8, group: "b" },
    ]);
  });

  it.each([
    [{ prefx: "eu." }, 'app.router(options) has no option "prefx"; the nearest one is "prefix".'],
    [{ prefix: "*." }, "a text without parameters and wildcards"],
    [{ workers: 0 }, "app.router(options): workers must be a whole number of at least 1"],
    [{ onFailure: { mod: "redeliver" } }, 'no option "onFailure.mod"'],
  ])("refuses %j", (options, sentence) => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    expect(() => app.router(options as never)).toThrow(sentence);
  });
});

describe("publish middleware", () => {
  it("wraps what handlers and publishers send, may change it, and sees what became of it", async () => {
    const log: string[] = [];
    const layer = (name: string) => async (outgoing: Outgoing, next: (changed?: never) => Promise<void>) => {
      log.push(`${name} ${outgoing.channel.topic} ${outgoing.value} ${outgoing.broker}`);
      await next({ ...outgoing.message, headers: { [`x-${name}`]: "1" } } as never);
      log.push(`${name} sent`);
    };
    const app = createApp({ name: "shop", broker: new MemoryBroker(), publishMiddleware: [layer("app")] });
    app.subscribe(orders, { publishMiddleware: [layer("handler")] }, (order, { publish }) =>
      publish(invoices, order),
    );
    await using test = await testApp(app);
    await app.publisher(orders).publish("tea");
    await test.quiet();
    expect(log.filter((line) => !line.endsWith("sent"))).toEqual([
      "app orders tea memory",
      "app invoices tea memory",
      "handler invoices tea memory",
    ]);
    expect(log.filter((line) => line.endsWith("sent"))).toHaveLength(3);
    expect(test.publishedMessages(invoices)).toMatchObject([{ headers: { "x-handler": "1" } }]);
  });

  it.each([
    [
      "twice",
      async (_: Outgoing, next: () => Promise<void>) => {
        await next();
        await next();
      },
      "called next() twice",
    ],
    ["not at all", async () => undefined, "did not call next()"],
    [
      "never, as it throws",
      () => {
        throw new Error("quota is used up");
      },
      "quota is used up",
    ],
  ])("that calls next() %s rejects the publish", async (_name, layer, sentence) => {
    const app = createApp({ name: "shop", broker: new MemoryBroker(), publishMiddleware: [layer] });
    await using test = await testApp(app);
    await expect(app.publisher(orders).publish("tea")).rejects.toThrow(sentence);
    expect(test.published(orders)).toEqual(sentence === "called next() twice" ? ["tea"] : []);
  });

  it("that does not wait for next() does not make a publish look sent", async () => {
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker({ maxPayloadBytes: 2 }),
      publishMiddleware: [
        async (_outgoing, next) => {
          void next().catch(() => undefined);
        },
      ],
    });
    await app.start();
    await expect(app.publisher(orders).publish("tea")).rejects.toThrow("its payload has 3 bytes");
    await app.drain();
  });
});

describe("several brokers", () => {
  const make = () =>
    createApp({ name: "bridge", brokers: { east: new MemoryBroker(), west: new MemoryBroker() } });

  it("are addressed by name: a handler of one publishes to the other", async () => {
    const app = make();
    const got: string[] = [];
    app.subscribe(orders, { on: "east" }, async (order, { publish }) => {
      await publish(orders, `${order}, over the bridge`, { on: "west" });
      await publish(invoices, `bill for ${order}`);
    });
    app.subscribe(orders, { on: "west" }, (order) => void got.push(order));
    app.subscribe(invoices, { on: "east" }, (invoice) => void got.push(invoice));
    await using test = await testApp(app);
    await test.publish(orders, "tea", { on: "east" });
    expect(got.sort()).toEqual(["bill for tea", "tea, over the bridge"]);
    expect(app.health.brokers.map(({ name }) => name)).toEqual(["east", "west"]);
  });

  it("have to be named, and by a name they have", async () => {
    const app = make();
    expect(() => app.subscribe(orders, (() => undefined) as never)).toThrow(
      'on must be the name of a broker of the app: "east" or "west"; received undefined.',
    );
    const end = (): void => undefined;
    expect(() => app.subscribe(orders, { on: "esat" } as never, end)).toThrow(
      '"east" or "west"; received "esat"',
    );
    await using test = await testApp(app);
    await expect(test.publish(orders, "tea")).rejects.toThrow('publish("orders"): on must be the name');
    await expect(app.publisher(orders, { on: "west" }).publish("tea")).resolves.toBeUndefined();
  });

  it("set dead letters of one aside on another", async () => {
    const app = make();
    const deadLetter = { topic: "dead", on: "west" } as const;
    app.subscribe(orders, { on: "east", onFailure: { maxAttempts: 1, deadLetter } }, () => {
      throw new Error("poison");
    });
    const got: string[] = [];
    app.subscribe(channel("dead", { codec: text }), { on: "west" }, (order) => void got.push(order));
    await using test = await testApp(app);
    await test.publish(orders, "tea", { on: "east" });
    expect(got).toEqual(["tea"]);
    expect(app.describe().subscriptions[0]?.onFailure).toContain('published to "dead" on "west", then acked');
  });
});
