import {
  channel,
  createApp,
  deadLetter,
  drop,
  json,
  MemoryBroker,
  type MiddlewareOutcome,
  memorySource,
  pipeline,
  retryAfter,
  text,
} from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";

const orders = channel("orders", { codec: text, key: (order) => order });
const invoices = channel("invoices", { codec: text });
const make = () => createApp({ name: "shop", broker: new MemoryBroker() });

describe("a handler of an app", () => {
  it("gets a context that says everything about its message", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker(), onStart: () => ({ rate: 2 }) });
    const seen: unknown[] = [];
    const settled: unknown[] = [];
    app.subscribe(orders, { group: "billing" }, (order, context) => {
      const { channel, topic, key, attempt, worker, signal, state, params, headers, message } = context;
      seen.push(order, channel, topic, key, attempt, worker, signal.aborted, state, params);
      seen.push(headers.get("content-type"), message.text());
      context.afterSettle((settlement) => void settled.push(settlement));
    });
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(seen).toEqual([
      ...["tea", orders, "orders", "tea", 1, 0, false, { rate: 2 }, {}],
      ...["text/plain; charset=utf-8", "tea"],
    ]);
    expect(settled).toEqual(["ack"]);
    expect(test.state).toEqual({ rate: 2 });
  });

  it("keeps the messages of one key in order, those of others beside them", async () => {
    const app = make();
    const log: string[] = [];
    const keyed = channel("keyed", { codec: text, key: (value) => value.slice(0, 1) });
    app.subscribe(keyed, { workers: 4 }, async (value, { attempt }) => {
      log.push(`${value}#${attempt}`);
      if (value === "a1" && attempt === 1) return retryAfter(50);
      return undefined;
    });
    await using test = await testApp(app);
    for (const value of ["a1", "a2", "b1"]) await test.publish(keyed, value);
    expect(log).toEqual(["a1#1", "b1#1"]);
    await test.advance(50);
    expect(log).toEqual(["a1#1", "b1#1", "a1#2", "a2#1"]);
  });

  it("follows the failure policy of its router and the app, each field from the innermost that says it", async () => {
    const onFailure = { maxAttempts: 2, deadLetter: "dead" } as const;
    const app = createApp({ name: "shop", broker: new MemoryBroker(), onFailure });
    const slow = app.router({ onFailure: { backoff: { initialMs: 1_000 } } });
    slow.subscribe(orders, () => {
      throw new Error("poison");
    });
    slow.subscribe(invoices, { onFailure: { maxAttempts: 1, deadLetter: orders } }, () => deadLetter("no"));
    await using test = await testApp(app);
    await test.publish(invoices, "bill");
    expect(test.retried(orders)).toMatchObject([{ value: "bill", attempt: 1, delayMs: 1_000 }]);
    await test.advance(1_000);
    expect(test.deadLettered(invoices)).toMatchObject([{ value: "bill", reason: "no", topic: "orders" }]);
    expect(test.deadLettered(orders)).toMatchObject([
      { value: "bill", attempts: 2, topic: "dead", reason: expect.stringContaining("poison") },
    ]);
  });

  it("may drop, and its middleware sees every end, from the app inwards", async () => {
    const log: string[] = [];
    const named = (name: string) => async (_context: unknown, next: () => Promise<{ kind: string }>) => {
      log.push(`${name} in`);
      const outcome = await next();
      log.push(`${name} ${outcome.kind}`);
      return outcome as never;
    };
    const app = createApp({ name: "shop", broker: new MemoryBroker(), middleware: [named("app")] });
    const router = app.router({ middleware: [named("router")] });
    router.subscribe(orders, { middleware: [named("handler")] }, () => drop());
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(log).toEqual([
      ...["app in", "router in", "handler in"],
      ...["handler drop", "router drop", "app drop"],
    ]);
    expect(test.settled(orders)).toEqual([{ value: "tea", outcome: "drop", attempts: 1 }]);
  });

  it("shows its value, channel and context to a middleware, and a throw as a failure", async () => {
    const seen: unknown[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      middleware: [
        async ({ value, channel, key, publish }, next) => {
          const outcome = await next();
          seen.push(value, channel, key, outcome.kind);
          if (outcome.kind === "failure") await publish(invoices, "failed");
          return { kind: "ack" };
        },
      ],
    });
    app.subscribe(orders, () => {
      throw new Error("bad");
    });
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(seen).toEqual(["tea", orders, "tea", "failure"]);
    expect(test.published(invoices)).toEqual(["failed"]);
  });

  it.each([
    [
      "calls next() twice",
      async (_context: unknown, next: () => Promise<MiddlewareOutcome>) => {
        await next();
        return next();
      },
    ],
    [
      "throws",
      () => {
        throw new Error("broken middleware");
      },
    ],
    ["returns nothing", () => undefined as never],
  ])("is retried when a middleware %s", async (_name, middleware) => {
    const app = make();
    app.subscribe(orders, { middleware: [middleware], onFailure: { backoff: { initialMs: 10 } } }, () => {});
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(test.retried(orders)).toMatchObject([{ value: "tea", attempt: 1 }]);
    expect(test.story()).toMatch(/next\(\) twice|broken middleware|returned nothing/);
  });

  it("that returns something that is no outcome is retried, and told so", async () => {
    const app = make();
    app.subscribe(orders, (() => "done") as never);
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(test.story()).toContain('A handler returned "done"; it returns nothing or an outcome');
  });

  it("has limited time, and its failure policy decides when that is over", async () => {
    const app = make();
    app.subscribe(
      orders,
      { timeoutMs: 100, onFailure: { maxAttempts: 1, deadLetter: "dead" } },
      (_order, { signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
    );
    const over = testApp(app, { patienceMs: 20 });
    await using test = await over;
    await expect(test.publish(orders, "tea")).rejects.toThrow("1 handlers have not returned");
    await test.advance(100);
    expect(test.deadLettered(orders)).toMatchObject([{ reason: expect.stringContaining("within 100 ms") }]);
  });
});

describe("app.subscribe refuses", () => {
  const untyped = (): { subscribe(...given: unknown[]): void } => make() as never;
  const end = (): void => undefined;

  it.each<[string, unknown[], string]>([
    [
      "no channel",
      ["orders", end],
      'must be a channel, as channel(topic, options) gives one; received "orders"',
    ],
    ["no handler", [orders], "handler must be a function"],
    [
      "an unknown option",
      [orders, { workres: 3 }, end],
      'has no option "workres"; the nearest one is "workers"',
    ],
    ["a nested one", [orders, { onFailure: { maxAttemps: 3 } }, end], 'has no option "onFailure.maxAttemps"'],
    ["no count", [orders, { workers: 0 }, end], "workers must be a whole number of at least 1; received 0"],
    [
      "a broker it has not",
      [orders, { on: "nats" }, end],
      'on must be the name of a broker of the app: "memory"',
    ],
    ["attempts without an end", [orders, { onFailure: { maxAttempts: 3 } }, end], "deadLetter must be"],
    [
      "the broker's dead letters, of one that has none",
      [orders, { onFailure: { deadLetter: "broker" } }, end],
      "does not set dropped messages aside",
    ],
    ["a source that is none", [orders, { source: {} }, end], "source must be a source of the broker"],
    [
      "a group beside a source",
      [orders, { source: memorySource("orders"), group: "a" }, end],
      "left out where source is given",
    ],
    [
      "dead letters to no one topic",
      [orders, { onFailure: { deadLetter: channel("dead.{tenant}") } }, end],
      "a channel without parameters",
    ],
    [
      "dead letters to another broker",
      [orders, { onFailure: { deadLetter: { topic: "dead", on: "nats" } } }, end],
      "the name of a broker of the app",
    ],
  ])("%s", (_name, given, sentence) => {
    expect(() => untyped().subscribe(...given)).toThrow(sentence);
  });

  it("two handlers that would share the messages of one group, and each miss some", () => {
    const app = make();
    app.subscribe(orders, { group: "billing" }, end);
    app.subscribe(orders, { group: "shipping" }, end);
    app.subscribe(orders, end);
    app.subscribe(orders, end);
    expect(() => app.subscribe(orders, { group: "billing" }, end)).toThrow(
      'app.subscribe("orders"): group must be another group than that of an earlier handler: two handlers of one group share its messages, so each misses some; received "billing".',
    );
    const source = memorySource("orders", { group: "own" });
    app.subscribe(orders, { source }, end);
    expect(() => app.subscribe(orders, { source }, end)).toThrow("source must be another source");
  });

  it("a second definition of a topic that says something else of it", async () => {
    const app = make();
    app.subscribe(orders, { group: "a" }, end);
    expect(() => app.subscribe(channel("orders", { codec: json }), { group: "b" }, end)).toThrow(
      'must be the channel that the app has for "orders": this has another schema, key or codec. Share one definition',
    );
    await using test = await testApp(app);
    await expect(test.publish(channel("orders", { codec: text }), "tea")).rejects.toThrow(
      "Share one definition",
    );
  });

  it("a declaration after the start, and on a broker without a usual source", async () => {
    const app = make();
    await using test = await testApp(app);
    expect(() => app.subscribe(orders, end)).toThrow("called before the app starts");
    expect(test.story()).toBe("  nothing");
    const bare = createApp({ name: "shop", broker: { name: "bare", connect: async () => ({}) as never } });
    expect(() => bare.subscribe(orders, end)).toThrow(
      'Subscribing to "orders" by name is not supported here: the broker "bare" has no usual source; pass one of its own as { source }.',
    );
  });
});

describe("a source of the broker's own", () => {
  it("is what the handler reads", async () => {
    const app = make();
    const got: string[] = [];
    app.subscribe(orders, { source: memorySource("orders", { group: "own", maxInFlight: 1 }) }, (order) => {
      got.push(order);
    });
    await app.start();
    await app.publisher(orders).publish("tea");
    await app.drain();
    expect(got).toEqual(["tea"]);
    expect(app.describe().subscriptions).toMatchObject([{ topic: "orders", group: undefined }]);
  });
});

describe("mount", () => {
  it("runs a pipeline by hand beside handlers", async () => {
    const app = make();
    const got: string[] = [];
    app.mount(async (connection) =>
      pipeline(await connection.subscribe("invoices")).handle((message) => {
        got.push(message.text());
      }),
    );
    app.subscribe(orders, async (order, { publish }) => publish(invoices, `bill for ${order}`));
    await app.start();
    await app.publisher(orders).publish("tea");
    await app.drain();
    expect(got).toEqual(["bill for tea"]);
  });
});
