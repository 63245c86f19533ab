import { channel, createApp, MemoryBroker, rpc, text } from "tidelane";
import { VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Gate } from "../promises/stage.ts";

const orders = channel("orders", { codec: text });
const invoices = channel("invoices", { codec: text });
const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A broker that says when its connection opens and closes. */
function logged(name: string, log: string[]): MemoryBroker {
  const broker = new MemoryBroker({ name });
  const connect = broker.connect.bind(broker);
  broker.connect = async (options) => {
    const connection = await connect(options);
    log.push(`open ${name}`);
    const close = connection.close.bind(connection);
    connection.close = () => {
      if (connection.state === "open") log.push(`close ${name}`);
      return close();
    };
    return connection;
  };
  return broker;
}

const hooks = (log: string[], failing?: string) => {
  const say = (name: string): void => {
    log.push(name);
    if (name === failing) throw new Error(`${name} is broken`);
  };
  return {
    onStart: () => {
      say("onStart");
      return { log };
    },
    onReady: () => say("onReady"),
    onDrain: async () => say("onDrain"),
    onStop: ({ state }: { state: { log: string[] } }) => {
      expect(state.log).toBe(log);
      say("onStop");
    },
  };
};

describe("hooks", () => {
  it("run in order around the connections", async () => {
    const log: string[] = [];
    const app = createApp({ name: "shop", broker: logged("memory", log), ...hooks(log) });
    await app.start();
    await app.drain();
    expect(log).toEqual(["onStart", "open memory", "onReady", "onDrain", "close memory", "onStop"]);
  });

  it.each([
    ["onStart", ["onStart"], "failed"],
    ["onReady", ["onStart", "open memory", "onReady", "close memory", "onStop"], "failed"],
    ["onDrain", ["onStart", "open memory", "onReady", "onDrain", "close memory", "onStop"], "failed"],
    ["onStop", ["onStart", "open memory", "onReady", "onDrain", "close memory", "onStop"], "failed"],
  ])("that throw at %s leave nothing open", async (failing, expected, state) => {
    const log: string[] = [];
    const app = createApp({ name: "shop", broker: logged("memory", log), ...hooks(log, failing) });
    const life = async (): Promise<void> => {
      await app.start();
      await app.drain();
    };
    await expect(life()).rejects.toThrow(`${failing} is broken`);
    expect(log).toEqual(expected);
    expect(app.health).toMatchObject({ state, live: { reasons: [`${failing} is broken`] } });
  });

  it("start is undone in reverse when a subscription does not open", async () => {
    const log: string[] = [];
    const brokers = { first: logged("first", log), second: logged("second", log) };
    const app = createApp({ name: "shop", brokers, ...hooks(log) });
    app.subscribe(orders, { on: "first" }, () => undefined);
    const source = {
      topic: "orders",
      capabilities: app.describe() as never,
      open: () => Promise.reject(new Error("no such queue")),
    };
    expect(() => app.subscribe(invoices, { on: "second", source }, () => undefined)).not.toThrow();
    await expect(app.start()).rejects.toThrow("no such queue");
    expect(log).toEqual(["onStart", "open first", "open second", "close second", "close first", "onStop"]);
  });

  it("get the state, and may publish before the first message and while the app drains", async () => {
    const got: string[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      onStart: async () => "tea",
      onReady: ({ publish, state }) => publish(orders, state),
      onDrain: ({ publish }) => publish(orders, "last"),
    });
    app.subscribe(orders, (order, { state }) => void got.push(`${order} of ${state}`));
    await app.start();
    await app.drain();
    expect(got).toEqual(["tea of tea", "last of tea"]);
  });

  it("release the state of a start that was taken back while onStart ran", async () => {
    const log: string[] = [];
    const gate = new Gate();
    const app = createApp({
      name: "shop",
      broker: logged("memory", log),
      onStart: async () => {
        await gate.opened;
        return "late";
      },
      onStop: ({ state }) => void log.push(`onStop ${state}`),
    });
    const starting = expect(app.start()).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
    await app.stop();
    await starting;
    gate.open();
    await turns();
    expect(log).toEqual(["onStop late"]);
  });

  it("do not hold a drain beyond its deadline, nor a stop at all", async () => {
    const clock = new VirtualClock();
    for (const how of ["deadline", "stop"] as const) {
      const app = createApp({
        name: "shop",
        broker: new MemoryBroker({ clock }),
        clock,
        onDrain: () => new Promise<void>(() => undefined),
      });
      await app.start();
      const drained = app.drain({ deadlineMs: 100 });
      await turns();
      expect(app.health.state).toBe("draining");
      if (how === "deadline") await clock.advance(100);
      else await app.stop();
      await drained;
      expect(app.health.state).toBe("stopped");
    }
    expect(clock.timers).toBe(0);
  });

  it.each([
    [{ onStart: 3 }, "createApp(options): onStart must be a function; received 3."],
    [{ onStrat: () => 1 }, 'createApp(options) has no option "onStrat"; the nearest one is "onStart".'],
  ])("are checked: %j", (given, sentence) => {
    const options = { name: "shop", broker: new MemoryBroker(), ...given };
    expect(() => createApp(options as never)).toThrow(sentence);
  });
});

describe("an app", () => {
  it("opens every subscription before a handler runs, so that what it publishes is not lost", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const broker = new MemoryBroker();
    const early = createApp({ name: "early", broker });
    await early.start();
    await early.publisher(orders).publish("tea");
    await early.drain();
    const got: string[] = [];
    const late = createApp({ name: "late", broker });
    late.subscribe(orders, async (order, { publish }) => publish(invoices, order));
    late.subscribe(invoices, (invoice) => void got.push(invoice));
    await late.start();
    await turns();
    await late.drain();
    expect(got).toEqual(["tea"]);
    await app.stop();
  });

  it("drains its responders after its handlers, which may still ask them", async () => {
    const upper = rpc("upper", { request: z.string(), reply: z.string() });
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const gate = new Gate();
    const got: string[] = [];
    app.respond(upper, (value) => value.toUpperCase());
    app.subscribe(orders, async (order, { request }) => {
      await gate.opened;
      got.push(await request(upper, order));
    });
    await app.start();
    await app.publisher(orders).publish("tea");
    await turns();
    const drained = app.drain();
    await turns();
    gate.open();
    await drained;
    expect(got).toEqual(["TEA"]);
  });

  it("refuses to publish before it is connected, and after it has ended", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const publisher = app.publisher(orders);
    await expect(publisher.publish("tea")).rejects.toThrow(
      'publish("orders") must be called once the app is connected to "memory": after app.start() has resolved',
    );
    await app.start();
    await publisher.publish("tea");
    await app.drain();
    await expect(publisher.publish("tea")).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
  });

  it("ends with await using, and refuses a second run", async () => {
    const broker = new MemoryBroker();
    const ended = await (async () => {
      await using app = createApp({ name: "shop", broker });
      await app.start();
      await expect(app.run()).rejects.toThrow("app.run() must be called before the app starts, once");
      return app;
    })();
    expect(ended.health.state).toBe("stopped");
  });

  it.each([
    [{}, "createApp(options): name must be a non-empty string"],
    [
      { name: "shop" },
      "createApp(options): broker must be a broker, as in { broker: new MemoryBroker() }; several go into brokers, by name; received undefined.",
    ],
    [{ name: "shop", brokers: { a: {} } }, "createApp(options): brokers.a must be a broker"],
    [{ name: "shop", broker: new MemoryBroker(), brokers: {} }, "left out where brokers is given"],
    [
      { name: "shop", broker: new MemoryBroker(), prefix: "a.{b}." },
      "a text without parameters and wildcards",
    ],
    [{ name: "shop", broker: new MemoryBroker(), middleware: [3] }, "middleware[0] must be a function"],
    [{ name: "shop", broker: new MemoryBroker(), replies: { topik: "x" } }, 'no option "replies.topik"'],
    [undefined, "createApp(options) must be an object with name and broker; received undefined."],
  ])("cannot be made of %#", (options, sentence) => {
    expect(() => createApp(options as never)).toThrow(sentence);
  });
});
