import { type Broker, byKey, type Connection, createApp, MemoryBroker, pipeline, type Run } from "tidelane";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { Gate } from "../promises/stage.ts";

const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve));
};

function orders(handle: (text: string) => Promise<void> | void): (connection: Connection) => Promise<Run> {
  return async (connection) => {
    const memory = connection as Awaited<ReturnType<MemoryBroker["connect"]>>;
    const subscriber = await memory.subscribe("orders");
    return pipeline(subscriber, { onError: () => undefined })
      .workers(4, byKey)
      .handle((message) => handle(message.text()));
  };
}

describe("createApp", () => {
  it("connects in order, runs, drains what is in flight and shuts down in reverse", async () => {
    const log: string[] = [];
    const named = (name: string): MemoryBroker => {
      const broker = new MemoryBroker({ name });
      const connect = broker.connect.bind(broker);
      broker.connect = async (options) => {
        const connection = await connect(options);
        log.push(`open ${name}`);
        const close = connection.close.bind(connection);
        connection.close = () => {
          log.push(`close ${name}`);
          return close();
        };
        return connection;
      };
      return broker;
    };
    const app = createApp({ name: "shop", brokers: { first: named("first"), second: named("second") } });
    const handled: string[] = [];
    app.mount(
      { on: "first" },
      orders(async (text) => {
        await turns();
        handled.push(text);
      }),
    );
    expect(app.health).toEqual({
      state: "idle",
      live: { ok: true, reasons: [] },
      ready: {
        ok: false,
        reasons: [
          "The app is idle.",
          'The connection to "first" is not open yet.',
          'The connection to "second" is not open yet.',
        ],
      },
      brokers: [
        { name: "first", state: "idle" },
        { name: "second", state: "idle" },
      ],
      runs: [],
    });
    await app.start();
    expect(app.health.state).toBe("running");
    await app.connection("first").publisher().publish({ topic: "orders", payload: "1", key: "a" });
    await turns();
    const report = await app.drain();
    expect(handled).toEqual(["1"]);
    expect(report.runs.map(({ endedBy }) => endedBy)).toEqual(["drain"]);
    expect(log).toEqual(["open first", "open second", "close second", "close first"]);
    expect(app.health.state).toBe("stopped");
    expect(app.health.brokers.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  it("ends what it started when a mount fails, and throws that error", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    app.mount(orders(() => undefined));
    app.mount(() => Promise.reject(new Error("no such thing")));
    await expect(app.start()).rejects.toThrow("no such thing");
    expect(app.health.state).toBe("failed");
    expect(app.connection().state).toBe("closed");
  });

  it("takes a start back while a broker is still connecting", async () => {
    const stuck: Broker = {
      name: "stuck",
      connect: ({ signal } = {}) =>
        new Promise<Connection>((_resolve, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason)),
        ),
    };
    const app = createApp({ name: "shop", brokers: { memory: new MemoryBroker(), stuck } });
    const starting = app.start();
    await turns();
    const failed = expect(starting).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
    await app.stop();
    await failed;
    expect(app.connection("memory").state).toBe("closed");
    expect(app.health.state).toBe("stopped");
  });

  it("takes a start back from a broker and a mount that do not heed the signal, and ends what they give later", async () => {
    for (const slow of ["broker", "mount"] as const) {
      const gate = new Gate();
      const broker = new MemoryBroker();
      const app = createApp({ name: "shop", broker });
      const connect = broker.connect.bind(broker);
      const opened: Connection[] = [];
      broker.connect = async () => {
        if (slow === "broker") await gate.opened;
        const connection = await connect();
        opened.push(connection);
        return connection;
      };
      const runs: Run[] = [];
      app.mount(async (connection) => {
        if (slow === "mount") await gate.opened;
        runs.push(pipeline(new ScriptedSubscriber()).handle(() => undefined));
        expect(connection).toBe(opened[0]);
        return runs[0] as Run;
      });
      const controller = new AbortController();
      const starting = expect(app.start({ signal: controller.signal })).rejects.toMatchObject({
        cause: "enough",
      });
      await turns();
      controller.abort("enough");
      await starting;
      expect(app.health.state).toBe("failed");
      gate.open();
      await turns();
      expect(opened.map(({ state }) => state)).toEqual(["closed"]);
      if (slow === "mount") expect(await runs[0]?.done).toMatchObject({ endedBy: "stop" });
      else expect(runs).toEqual([]);
    }
  });

  it("resolves run() with what there was when a signal or stop() takes its start back", async () => {
    for (const how of ["signal", "stop"] as const) {
      const app = createApp({ name: "shop", broker: new MemoryBroker() });
      app.mount(orders(() => undefined));
      app.mount(() => new Promise<Run>(() => undefined));
      const over = app.run({ signals: ["SIGUSR2"] });
      await turns();
      if (how === "signal") process.emit("SIGUSR2", "SIGUSR2");
      else await app.stop();
      const report = await over;
      expect(report.runs.map(({ endedBy }) => endedBy)).toEqual([how === "signal" ? "drain" : "stop"]);
      expect(report.signal).toBe(how === "signal" ? "SIGUSR2" : undefined);
      expect(app.health.state).toBe("stopped");
    }
  });

  it("leaves no listener behind when a signal cannot be listened to, and has not started", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const before = process.listenerCount("SIGUSR2");
    await expect(app.run({ signals: ["SIGUSR2", "SIGKILL"] })).rejects.toThrow("EINVAL");
    expect(process.listenerCount("SIGUSR2")).toBe(before);
    expect(app.health.state).toBe("idle");
  });

  it("refuses a deadline that is none and goes on; a later call ends it, and the earliest deadline counts", async () => {
    const clock = new VirtualClock();
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const subscriber = new ScriptedSubscriber({ clock }).deliver(new RecordingMessage());
    app.mount(() => pipeline(subscriber, { clock }).handle(() => new Promise(() => undefined)));
    await app.start();
    await turns();
    expect(() => app.drain({ deadlineMs: -1 })).toThrow("drain: deadlineMs");
    expect(() => app.stop({ deadlineMs: Number.NaN })).toThrow("stop: deadlineMs");
    expect(app.health.state).toBe("running");
    const drained = app.drain({ deadlineMs: 30_000 });
    void app.drain({ deadlineMs: 100 });
    await clock.advance(100);
    expect(await drained).toMatchObject({ runs: [{ endedBy: "drain", left: [{ state: "running" }] }] });
    expect(app.connection().state).toBe("closed");
  });

  it("says that it has failed as soon as a run has, though nobody waits for it", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const subscriber = new ScriptedSubscriber();
    app.mount(() => pipeline(subscriber, { onError: () => undefined }).handle(() => undefined));
    await app.start();
    const broken = new Error("the queue was deleted");
    subscriber.fail(broken);
    await turns();
    expect(app.health.state).toBe("failed");
    await expect(app.drain()).rejects.toBe(broken);
    expect(app.health.state).toBe("failed");
  });

  it("shuts every connection down, also when one that must not rejects", async () => {
    const brokers = { first: new MemoryBroker(), faulty: new MemoryBroker() };
    const app = createApp({ name: "shop", brokers });
    await app.start();
    app.connection("faulty").close = () => Promise.reject(new Error("against the contract"));
    await expect(app.stop()).rejects.toThrow("against the contract");
    expect(app.connection("first").state).toBe("closed");
  });

  it("drains on the first signal, stops on the second, and leaves no listener behind", async () => {
    const clock = new VirtualClock();
    const app = createApp({ name: "shop", broker: new MemoryBroker({ clock }) });
    let aborted = false;
    app.mount(async (connection) => {
      const subscriber = await connection.subscribe("orders");
      return pipeline(subscriber, { clock }).handle(
        (_message, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener("abort", () => {
              aborted = true;
              resolve(undefined);
            }),
          ),
      );
    });
    const before = process.listenerCount("SIGUSR2");
    const over = app.run({ signals: ["SIGUSR2"] });
    await turns();
    await app.connection().publisher().publish({ topic: "orders", payload: "1" });
    await turns();
    process.emit("SIGUSR2", "SIGUSR2");
    await turns();
    expect(app.health.state).toBe("draining");
    expect(aborted).toBe(false);
    process.emit("SIGUSR2", "SIGUSR2");
    const report = await over;
    expect(aborted).toBe(true);
    expect(report.signal).toBe("SIGUSR2");
    expect(process.listenerCount("SIGUSR2")).toBe(before);
  });

  it("drains the others and throws when a run ends with an error", async () => {
    const brokers = { memory: new MemoryBroker(), dying: new MemoryBroker({ name: "dying" }) };
    const app = createApp({ name: "shop", brokers });
    app.mount(
      { on: "memory" },
      orders(() => undefined),
    );
    app.mount(
      { on: "dying" },
      orders(() => undefined),
    );
    const over = app.run({ signals: [] });
    const failed = expect(over).rejects.toMatchObject({ code: "TIDELANE_SUBSCRIPTION_FAILED" });
    await turns();
    app.connection("dying").kill("cut");
    await failed;
    expect(app.connection("memory").state).toBe("closed");
    expect(app.health.state).toBe("failed");
  });

  it("gives the others its own deadline when a run ends with an error", async () => {
    const clock = new VirtualClock();
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const subscriber = new ScriptedSubscriber({ clock }).deliver(new RecordingMessage());
    const dying = new ScriptedSubscriber();
    app.mount(() => pipeline(subscriber, { clock }).handle(() => new Promise(() => undefined)));
    app.mount(() => pipeline(dying, { onError: () => undefined }).handle(() => undefined));
    const broken = new Error("the queue was deleted");
    const over = expect(app.run({ signals: [], deadlineMs: 100 })).rejects.toBe(broken);
    await turns();
    dying.fail(broken);
    await clock.advance(100);
    await over;
    expect(subscriber.closed).toBe(true);
  });

  it("refuses a broker that cannot connect, and a mount that returns no run", async () => {
    expect(() => createApp({ name: "shop", broker: {} as MemoryBroker })).toThrow(
      "createApp(options): broker must be a broker, as in { broker: new MemoryBroker() }; several go into brokers, by name; received an object (Object).",
    );
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    app.mount((() => undefined) as never);
    await expect(app.start()).rejects.toThrow(
      "app.mount(open): the result of open must be the run that pipeline(...).handle(...) returns; received undefined.",
    );
    expect(app.health.state).toBe("failed");
  });

  it("refuses additions and a second start once started", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    await app.start();
    expect(() => app.mount(orders(() => undefined))).toThrow("before the app starts");
    await expect(app.start()).rejects.toThrow("before the app starts");
    await app.stop();
  });
});
