import { byKey, type Connection, createApp, MemoryBroker, pipeline, type Run } from "tidelane";
import { VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";

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
        const shutdown = connection.shutdown.bind(connection);
        connection.shutdown = () => {
          log.push(`close ${name}`);
          return shutdown();
        };
        return connection;
      };
      return broker;
    };
    const app = createApp();
    const first = app.broker(named("first"));
    app.broker(named("second"));
    const handled: string[] = [];
    app.mount(
      first,
      orders(async (text) => {
        await turns();
        handled.push(text);
      }),
    );
    expect(app.health).toEqual({
      state: "idle",
      brokers: [
        { name: "first", state: "idle" },
        { name: "second", state: "idle" },
      ],
      runs: [],
    });
    await app.start();
    expect(app.health.state).toBe("running");
    await first.connection.publisher().publish({ topic: "orders", payload: "1", key: "a" });
    await turns();
    const report = await app.drain();
    expect(handled).toEqual(["1"]);
    expect(report.runs.map(({ endedBy }) => endedBy)).toEqual(["drain"]);
    expect(log).toEqual(["open first", "open second", "close second", "close first"]);
    expect(app.health.state).toBe("stopped");
    expect(app.health.brokers.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  it("ends what it started when a mount fails, and throws that error", async () => {
    const app = createApp();
    const memory = app.broker(new MemoryBroker());
    app.mount(
      memory,
      orders(() => undefined),
    );
    app.mount(memory, () => Promise.reject(new Error("no such thing")));
    await expect(app.start()).rejects.toThrow("no such thing");
    expect(app.health.state).toBe("failed");
    expect(memory.connection.state).toBe("closed");
  });

  it("takes a start back while a broker is still connecting", async () => {
    const app = createApp();
    const memory = app.broker(new MemoryBroker());
    app.broker({
      name: "stuck",
      connect: ({ signal } = {}) =>
        new Promise<Connection>((_resolve, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason)),
        ),
    });
    const starting = app.start();
    await turns();
    await app.stop();
    await expect(starting).rejects.toThrow();
    expect(memory.connection.state).toBe("closed");
  });

  it("drains on the first signal, stops on the second, and leaves no listener behind", async () => {
    const clock = new VirtualClock();
    const app = createApp();
    const memory = app.broker(new MemoryBroker({ clock }));
    let aborted = false;
    app.mount(memory, async (connection) => {
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
    await memory.connection.publisher().publish({ topic: "orders", payload: "1" });
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
    const app = createApp();
    const memory = app.broker(new MemoryBroker());
    const dying = app.broker(new MemoryBroker({ name: "dying" }));
    app.mount(
      memory,
      orders(() => undefined),
    );
    app.mount(
      dying,
      orders(() => undefined),
    );
    const over = app.run({ signals: [] });
    const failed = expect(over).rejects.toMatchObject({ code: "TIDELANE_SUBSCRIPTION_FAILED" });
    await turns();
    dying.connection.kill("cut");
    await failed;
    expect(memory.connection.state).toBe("closed");
    expect(app.health.state).toBe("failed");
  });

  it("refuses additions and a second start once started", async () => {
    const app = createApp();
    await app.start();
    expect(() => app.broker(new MemoryBroker())).toThrow("before the app starts");
    await expect(app.start()).rejects.toThrow("before the app starts");
    await app.stop();
  });
});
