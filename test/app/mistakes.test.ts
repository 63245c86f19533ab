import { spawnSync } from "node:child_process";
import {
  type Broker,
  type Channel,
  ConnectFailedError,
  channel,
  createApp,
  InvalidArgumentError,
  MemoryBroker,
  memorySource,
  rpc,
  text,
} from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { root } from "../../scripts/entry-points.ts";

const orders = channel("orders", { codec: text });
const quotes = rpc("quotes", { request: z.string(), reply: z.object({ price: z.number() }) });
const make = () => createApp({ name: "shop", broker: new MemoryBroker() });
type Call = (...given: unknown[]) => Promise<unknown>;
type Calls =
  | "drain"
  | "mount"
  | "publish"
  | "publisher"
  | "request"
  | "respond"
  | "router"
  | "run"
  | "start"
  | "stop"
  | "subscribe";
type Untyped = Readonly<Record<Calls, Call>>;
const untyped = (given: unknown): Untyped => given as Untyped;
const end = (): void => undefined;

describe("a mistake in a declaration", () => {
  it.each<[string, () => unknown, string]>([
    [
      "no broker",
      () => (createApp as (options: object) => unknown)({ name: "shop" }),
      "createApp(options): broker must be a broker, as in { broker: new MemoryBroker() }; several go into brokers, by name; received undefined.",
    ],
    [
      "a broker among others that is none",
      () => (createApp as (options: object) => unknown)({ name: "shop", brokers: { east: "nats://east" } }),
      'createApp(options): brokers.east must be a broker, as in { broker: new MemoryBroker() }; several go into brokers, by name; received "nats://east".',
    ],
    [
      "an rpc in place of a channel",
      () => untyped(make()).subscribe(quotes, end),
      'app.subscribe("quotes"): channel must be a channel, and this is an rpc: answer it with app.respond(), and ask with request()',
    ],
    [
      "a channel in place of an rpc",
      () => untyped(make()).respond(orders, end),
      'app.respond("orders"): rpc must be an rpc, and this is a channel: handle it with app.subscribe(), and publish to it with publish()',
    ],
    [
      "nothing at all",
      () => untyped(make()).subscribe(),
      "app.subscribe(channel): handler must be a function",
    ],
    [
      "middleware that is no list",
      () => untyped(make()).subscribe(orders, { middleware: 4 }, end),
      'app.subscribe("orders"): middleware must be a list of functions; received 4.',
    ],
    [
      "a middleware that is no function",
      () => untyped(make()).router({ publishMiddleware: [end, "log"] }),
      'app.router(options): publishMiddleware[1] must be a function; received "log".',
    ],
    [
      "replies that are no object",
      () =>
        (createApp as (options: object) => unknown)({ name: "a", broker: new MemoryBroker(), replies: null }),
      "createApp(options): replies must be an object with topic or source; received null.",
    ],
  ])("%s is said with what to do", (_name, declare, sentence) => {
    expect(declare).toThrow(sentence);
  });

  const places = 'onFailure.deadLetter must be a topic, a channel, { topic, on }, "broker" or "drop"';
  it.each<[string, object, string]>([
    [
      "a topic in an object",
      { deadLetter: { topic: "dead" } },
      "onFailure.deadLetter.on must be the name of a broker of the app; for the message's own, give the topic alone; received undefined.",
    ],
    [
      "the form of a pipeline",
      { deadLetter: { topic: "dead", publisher: {} } },
      'has no option "onFailure.deadLetter.publisher"; the options here are on, topic.',
    ],
    [
      "a topic that is no text",
      { deadLetter: { topic: 3, on: "memory" } },
      "onFailure.deadLetter.topic must be a non-empty string",
    ],
    ["an rpc", { deadLetter: quotes }, `${places}; received an object`],
    ["a number", { deadLetter: 3 }, `${places}; received 3.`],
    [
      "attempts without a place",
      { maxAttempts: 3 },
      `${places} where maxAttempts is given: it says what comes after the last attempt; received undefined.`,
    ],
    ["no mode", { mode: "later" }, 'onFailure.mode must be "in-place" or "redeliver"; received "later".'],
    [
      "no delay",
      { backoff: { initialMs: -1 } },
      "onFailure.backoff.initialMs must be a number of milliseconds",
    ],
    [
      "dead letters of a broker that has none",
      { deadLetter: "broker" },
      "onFailure.deadLetter must be a topic or a channel: this source's broker does not set dropped messages aside",
    ],
  ])("%s in onFailure names its subscription, in the words of an app", (_name, onFailure, sentence) => {
    const declare = (): unknown => untyped(make()).subscribe(orders, { onFailure }, end);
    expect(declare).toThrow(sentence);
    expect(declare).toThrow('app.subscribe("orders")');
  });
});

describe("options that are no object are refused, and no call breaks on them", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["app.start(options)", () => untyped(make()).start(null)],
    ["app.start(options): signal", () => untyped(make()).start({ signal: 5 })],
    ["app.run(options)", () => untyped(make()).run(null)],
    ["app.run(options): signals", () => untyped(make()).run({ signals: "SIGINT" })],
    ["app.drain(options)", async () => untyped(make()).drain(null)],
    ["app.stop(options)", async () => untyped(make()).stop(null)],
    ["app.mount(options, open)", async () => untyped(make()).mount(null, end)],
    ['app.publisher("orders")', async () => untyped(make()).publisher(orders, null)],
    ['publish("orders")', async () => untyped(make().publisher(orders)).publish("tea", null)],
    ["testApp(app, options)", () => (testApp as (...given: unknown[]) => Promise<unknown>)(make(), null)],
  ])("%s", async (call, made) => {
    await expect(made()).rejects.toThrow(call);
    await expect(made()).rejects.toThrow(InvalidArgumentError);
  });

  it.each(["publish", "request"] as const)("%s of a handler and of a test", async (name) => {
    await using test = await testApp(make());
    const given = name === "publish" ? orders : quotes;
    await expect(untyped(test)[name](given, "tea", null)).rejects.toThrow(InvalidArgumentError);
    await expect(untyped(test)[name](given, "tea", { signal: 5 })).rejects.toThrow(
      `${name}("${given.topic}"): signal must be an AbortSignal; received 5.`,
    );
  });

  it("request() of a publisher by hand", async () => {
    const connection = await new MemoryBroker().connect();
    const publisher = connection.publisher();
    const request = untyped(publisher).request.bind(publisher);
    await expect(request({ topic: "orders", payload: "" })).rejects.toThrow(
      "request(message, options) must be an object with timeoutMs; received undefined.",
    );
    await connection.close();
  });
});

describe("a mistake while it runs", () => {
  it("publishing and asking before the start says when it can be done", async () => {
    const app = make();
    await expect(app.publisher(orders).publish("tea")).rejects.toThrow(
      'publish("orders") must be called once the app is connected to "memory": after app.start() has resolved, or in a test',
    );
    await expect(app.request(quotes, "tea")).rejects.toThrow('request("quotes") must be called once the app');
  });

  it("a request that nobody answers asks for the responder", async () => {
    await using test = await testApp(make());
    await expect(test.request(quotes, "tea", { timeoutMs: 50 })).rejects.toThrow(
      'The request to "quotes" on "memory" (does an app that responds to it run there?) did not finish within 50 ms.',
    );
  });

  it("a reply that does not fit names the request it answers", async () => {
    const app = make();
    app.respond(quotes, () => ({ price: "free" }) as never);
    await using test = await testApp(app);
    await expect(test.request(quotes, "tea")).rejects.toThrow(
      'The message for "quotes" was not sent: the reply of its responder does not fit the schema of its channel (price:',
    );
  });

  it("a reply that does not decode at the requester names it too", async () => {
    const app = make();
    const loose = rpc("quotes", { request: z.string(), reply: z.object({ price: z.string() }) });
    app.respond(loose, () => ({ price: "free" }));
    await app.start();
    const other = createApp({
      name: "other",
      broker: { name: "memory", connect: async () => app.connection() },
    });
    await other.start();
    await expect(other.request(quotes, "tea")).rejects.toThrow(
      'A payload from "quotes (the reply)" did not decode: the value does not fit the schema (price:',
    );
    await app.drain();
  });

  it("a broker that cannot be reached says how to wait for it, unless waiting cannot help", async () => {
    const refusing = (retryable: boolean): Broker => ({
      name: "nats",
      connect: async () => {
        throw new ConnectFailedError({ broker: "nats", reason: "refused", retryable });
      },
    });
    const advice = "; to wait until it can be reached, set connect: { waitMs } of the broker.";
    await expect(createApp({ name: "shop", broker: refusing(true) }).start()).rejects.toThrow(
      `Connecting to "nats" failed: refused${advice}`,
    );
    await expect(createApp({ name: "shop", broker: refusing(false) }).start()).rejects.toThrow(
      'Connecting to "nats" failed: refused.',
    );
  });

  it("a connection that is gone before dead letters could be asked for names the subscription", async () => {
    const app = make();
    const source = memorySource("orders");
    const closing = { ...source, topic: source.topic, capabilities: source.capabilities };
    app.subscribe(
      orders,
      {
        onFailure: { deadLetter: "dead" },
        source: {
          ...closing,
          open: async (connection) => {
            const subscriber = await source.open(connection);
            void connection.close();
            return subscriber;
          },
        },
      },
      end,
    );
    await expect(app.start()).rejects.toThrow(
      'Asking whether dead letters of "orders" can be published is not possible: the connection to "memory" is closed.',
    );
  });
});

describe("describe().order", () => {
  const orderOf = (
    given: Channel<string, string, string, undefined>,
    workers: number,
  ): string | undefined => {
    const app = make();
    app.subscribe(given, { workers }, end);
    return app.describe().subscriptions[0]?.order;
  };

  it("promises the order of keys to a channel with a key", () => {
    const keyed = channel("keyed", { codec: text, key: (order) => order });
    expect(orderOf(keyed, 4)).toMatch(/^Messages of one key are handled one after another/);
    expect(orderOf(keyed, 4)).not.toContain("without");
  });

  it("says that a channel without one publishes none", () => {
    expect(orderOf(orders, 4)).toMatch(/^Messages that carry the same key are handled one after another/);
    expect(orderOf(orders, 4)).toMatch(
      /The channel has no key: without one, up to 4 messages are handled at once, without order\.$/,
    );
    expect(orderOf(orders, 1)).toMatch(/^Messages are handled one after another/);
    expect(orderOf(orders, 1)).not.toContain("no key");
  });
});

it("a test that was not closed takes no warning from another app", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const forgotten = await testApp(make());
  const app = make();
  app.subscribe(orders, { onFailure: { maxAttempts: 1, deadLetter: "drop" } }, () => {
    throw new Error("the printer is on fire");
  });
  await app.start();
  await app.publisher(orders).publish("tea");
  await app.drain();
  const warned = warn.mock.calls.map(([sentence]) => String(sentence));
  warn.mockRestore();
  expect(warned).toEqual([expect.stringContaining("the printer is on fire")]);
  await forgotten.close();
});

describe("run() that fails", { timeout: 20_000 }, () => {
  const run = (program: string): { status: number | null; stdout: string } => {
    const head = `import { createApp, MemoryBroker } from "tidelane";
      const app = createApp({ name: "shop", broker: new MemoryBroker(), onStart: () => { throw new Error("no database"); } });`;
    const args = ["--import", "tsx", "--input-type=module", "-e", `${head} ${program}`];
    return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  };

  it("ends the process with exit code 1, also where its error is only logged", () => {
    const { status, stdout } = run("app.run().catch((error) => console.log(error.message));");
    expect([status, stdout.trim()]).toEqual([1, "no database"]);
  });

  it("leaves an exit code that the program has set", () => {
    expect(run("process.exitCode = 3; app.run().catch(() => undefined);").status).toBe(3);
  });
});
