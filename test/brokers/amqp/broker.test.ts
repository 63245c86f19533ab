import { beforeEach, describe, expect, it, vi } from "vitest";
import { AmqpBroker } from "../../../src/brokers/amqp/index.ts";
import { serverError } from "./fake/fake-channel.ts";
import type { FakeRabbit } from "./fake/fake-rabbit.ts";
import { events, fake, open, publish, setUp, stateOf } from "./support.ts";

const url = "amqp://ann:opensesame@one:5672/shop";

describe("connect", () => {
  it("shows the server what the URL and the options say", async () => {
    const { rabbit, broker } = fake({ url, name: "billing" });
    const connection = await broker.connect();
    expect(rabbit.targets).toEqual([
      {
        protocol: "amqp",
        hostname: "one",
        port: 5672,
        username: "ann",
        password: "opensesame",
        vhost: "shop",
        heartbeat: 10,
      },
    ]);
    expect(connection.state).toBe("open");
    expect(connection.describe()).toEqual({
      protocol: "amqp",
      address: "one:5672",
      version: "RabbitMQ 3.10.8",
    });
    expect(broker.name).toBe("billing");
  });

  it("rejects with what was wrong, and keeps nothing", async () => {
    const { clock, rabbit, broker } = fake({ url });
    rabbit.refusal = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    await expect(broker.connect()).rejects.toMatchObject({
      code: "TIDELANE_CONNECT_FAILED",
      message: expect.stringContaining("one:5672: nothing listens there"),
    });
    expect(clock.timers).toBe(0);
  });

  it("of several addresses, tells a refused login before a server that is down, and repeats it no more", async () => {
    const urls = ["amqp://ann:wrong@one", "amqp://ann:wrong@two"];
    const { clock, rabbit, broker } = fake({ url: urls, connect: { waitMs: 60_000 } });
    const hosts: unknown[] = [];
    vi.spyOn(rabbit, "connect").mockImplementation(async ({ hostname }) => {
      hosts.push(hostname);
      if (hostname === "two") throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
      throw new Error(
        'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
      );
    });
    await expect(broker.connect()).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("it refused the user name or the password"),
    });
    expect([hosts, clock.timers]).toEqual([["one", "two"], 0]);
  });

  it("tries the addresses in turn, each once", async () => {
    const { rabbit, broker } = fake({ url: [url, "amqp://two"] });
    rabbit.refusal = new Error("no");
    await expect(broker.connect()).rejects.toThrow(/two:5672/);
    expect(rabbit.targets.map(({ hostname }) => hostname)).toEqual(["one", "two"]);
  });

  it("gives up a server that says nothing", async () => {
    const { clock, rabbit, broker } = fake({ url, connectTimeoutMs: 500 });
    rabbit.silent = true;
    const connecting = stateOf(broker.connect());
    const outcome = broker.connect().catch((error: unknown) => error);
    await clock.advance(500);
    await expect(connecting).resolves.toBe("waiting");
    expect(await outcome).toMatchObject({
      code: "TIDELANE_CONNECT_FAILED",
      message: expect.stringContaining("no answer in 500 ms"),
    });
    rabbit.speak();
    await clock.flush();
    expect(rabbit.connections).toEqual([]);
  });

  it("is taken back by its signal, also when the client comes through later", async () => {
    const { clock, rabbit, broker } = fake({ url });
    const abort = new AbortController();
    rabbit.silent = true;
    const outcome = broker.connect({ signal: abort.signal }).catch((error: unknown) => error);
    await clock.flush();
    abort.abort(new Error("enough"));
    expect(await outcome).toMatchObject({ code: "TIDELANE_ABORTED" });
    expect(clock.timers).toBe(0);
    await expect(broker.connect({ signal: abort.signal })).rejects.toMatchObject({
      code: "TIDELANE_ABORTED",
    });
  });

  it.each([
    [{ url: "http://x" }, "options.url"],
    [{ url: [] }, "options.url"],
    [{ name: "" }, "options.name"],
    [{ heartbeatMs: 1_500 }, "options.heartbeatMs"],
    [{ connectTimeoutMs: -1 }, "options.connectTimeoutMs"],
    [{ publishTimeoutMs: Number.NaN }, "options.publishTimeoutMs"],
    [{ maxPayloadBytes: -1 }, "options.maxPayloadBytes"],
    [{ reconnect: { maxAttempts: -1 } }, "options.reconnect.maxAttempts"],
    [{ connect: { waitMs: -1 } }, "options.connect.waitMs"],
    [{ publish: { priority: 256 } }, "options.publish.priority"],
    [{ publish: { expirationMs: -5 } }, "options.publish.expirationMs"],
    [{ publish: { exchange: "é".repeat(128) } }, "options.publish.exchange"],
    [{ topology: { queues: [{ name: "" }] } }, "options.topology.queues[0].name"],
    [{ topology: { exchanges: [{ name: "x", type: "" }] } }, "options.topology.exchanges[0].type"],
    [{ topology: { bindings: [{ exchange: "x", queue: "" }] } }, "options.topology.bindings[0].queue"],
  ])("an option out of its range is refused: %j", (options, argument) => {
    expect(() => new AmqpBroker(options)).toThrow(
      expect.objectContaining({ code: "TIDELANE_INVALID_ARGUMENT", argument }),
    );
  });
});

describe("a first connect that waits", () => {
  const refusal = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const options = { connect: { waitMs: 5_000 }, reconnect: { initialMs: 100, maxMs: 400 } };

  it("goes on until the server is there", async () => {
    const { clock, rabbit, broker } = fake(options);
    rabbit.refusal = refusal;
    const connecting = broker.connect();
    expect(await stateOf(connecting)).toBe("waiting");
    await clock.advance(1_000);
    rabbit.refusal = undefined;
    await clock.advance(400);
    expect((await connecting).state).toBe("open");
    expect(clock.timers).toBe(0);
  });

  it("ends when its time is over, with what was wrong in one sentence, and by its signal", async () => {
    const { clock, rabbit, broker } = fake(options);
    rabbit.refusal = refusal;
    const outcome = broker.connect().catch((error: unknown) => error);
    await clock.advance(6_000);
    expect(await outcome).toMatchObject({
      code: "TIDELANE_CONNECT_FAILED",
      retryable: true,
      message:
        'Connecting to "rabbitmq" failed: 127.0.0.1:5672: nothing listens there; check the address, and that the server is up.',
    });
    const abort = new AbortController();
    const aborted = broker.connect({ signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(500);
    abort.abort();
    expect(await aborted).toMatchObject({ code: "TIDELANE_ABORTED" });
    expect(clock.timers).toBe(0);
  });

  it("ends at once by a refusal that no waiting will change", async () => {
    const { rabbit, broker } = fake(options);
    rabbit.refusal = new Error(
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
    );
    await expect(broker.connect()).rejects.toMatchObject({ retryable: false });
    expect(rabbit.targets).toHaveLength(1);
  });
});

describe("topology", () => {
  const topology = {
    exchanges: [{ name: "events", type: "topic" }],
    queues: [{ name: "orders", deadLetter: { topic: "dead" } }],
    bindings: [{ exchange: "events", queue: "orders", routingKey: "order.*" }],
  } as const;

  it("is declared on connecting, and again after a reconnect", async () => {
    const { clock, rabbit, connection } = await setUp({ topology });
    expect(rabbit.queue("orders").settings.arguments).toMatchObject({ "x-dead-letter-routing-key": "dead" });
    rabbit.queues.clear();
    rabbit.connection.cut();
    await clock.advance(1_000);
    expect(connection.state).toBe("open");
    expect([...rabbit.queues.keys()]).toEqual(["orders"]);
  });

  it("that conflicts fails the connect, and closes the connection", async () => {
    const { rabbit, broker } = fake({ topology });
    rabbit.exchanges.set("events", "fanout");
    await expect(broker.connect()).rejects.toMatchObject({
      code: "TIDELANE_CONNECT_FAILED",
      retryable: false,
      message: expect.stringContaining("its topology could not be declared: it exists with other settings"),
    });
    expect(rabbit.connection.open).toBe(false);
  });
});

describe("a lost connection", () => {
  it("that is lost once more while it comes back, at whatever step, comes back", async () => {
    const topology = { exchanges: [{ name: "events", type: "topic" }] } as const;
    const never: number[] = [];
    const asked: number[] = [];
    for (let step = 1; step <= 8; step += 1) {
      const { clock, rabbit, connection } = await setUp({
        topology,
        reconnect: { initialMs: 100, maxMs: 100 },
      });
      const { answers } = cutBeforeAnswer(rabbit, step);
      rabbit.connection.cut();
      await clock.advance(1_000);
      if (connection.state !== "open") never.push(step);
      asked.push(answers());
    }
    // The last ones are beyond what a reconnect asks for.
    expect(asked.some((count, index) => count <= index)).toBe(true);
    expect(never).toEqual([]);
  });

  it("comes back with waits that grow, and says so", async () => {
    const seen = events("tidelane:reconnect");
    const { clock, rabbit, connection } = await setUp({ reconnect: { initialMs: 100, maxMs: 400 } });
    rabbit.refusal = new Error("not yet");
    rabbit.connection.cut(new Error("Heartbeat timeout"));
    expect(connection.state).toBe("reconnecting");
    await clock.advance(100);
    await clock.advance(200);
    rabbit.refusal = undefined;
    await clock.advance(400);
    expect(connection.state).toBe("open");
    expect(seen.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      "lost 0",
      "lost 1",
      "lost 2",
      "restored 3",
    ]);
    expect(seen[0]).toMatchObject({ broker: "rabbitmq", error: { message: "Heartbeat timeout" } });
  });

  it("is tried at the other addresses too", async () => {
    const { clock, rabbit } = await setUp({ url: ["amqp://one", "amqp://two"] });
    rabbit.refusal = new Error("no");
    rabbit.connection.cut();
    await clock.advance(2_000);
    expect(new Set(rabbit.targets.map(({ hostname }) => hostname))).toEqual(new Set(["one", "two"]));
  });

  it("is given up after maxAttempts, and everything of it ends with the cause", async () => {
    const { clock, rabbit, connection, publisher } = await setUp({ reconnect: { maxAttempts: 2 } });
    const orders = await open(connection, "orders");
    const next = orders[Symbol.asyncIterator]().next();
    rabbit.refusal = new Error("no server");
    rabbit.connection.cut();
    const publishing = publisher.publish({ topic: "orders", payload: "x" });
    const outcomes = Promise.allSettled([next, publishing]);
    await clock.advance(60_000);
    expect(connection.state).toBe("closed");
    expect(await outcomes).toMatchObject([
      {
        reason: {
          code: "TIDELANE_SUBSCRIPTION_FAILED",
          cause: { code: "TIDELANE_CONNECT_FAILED", message: expect.stringContaining("no server") },
        },
      },
      { reason: { code: "TIDELANE_CONNECTION_CLOSED" } },
    ]);
    expect(clock.timers).toBe(0);
  });

  it("is not tried again without reconnect", async () => {
    const { clock, rabbit, connection } = await setUp({ reconnect: false });
    rabbit.connection.cut();
    await clock.flush();
    expect(connection.state).toBe("closed");
    expect(rabbit.targets).toHaveLength(1);
  });

  it("is given up when the server refuses it five times in a row", async () => {
    const { clock, rabbit, connection } = await setUp();
    rabbit.refusal = new Error(
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
    );
    rabbit.connection.cut();
    await clock.advance(60_000);
    expect(connection.state).toBe("closed");
    expect(rabbit.targets).toHaveLength(6);
  });

  it("stays lost without end while nobody answers", async () => {
    const { clock, rabbit, connection } = await setUp();
    rabbit.refusal = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    rabbit.connection.cut();
    await clock.advance(3_600_000);
    expect(connection.state).toBe("reconnecting");
    await connection.close();
    expect(clock.timers).toBe(0);
  });
});

describe("a lost connection nobody listens for", () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  beforeEach(() => void warnings.mockClear());
  const said = (): unknown[] => warnings.mock.calls.map(([warning]) => warning);

  it("is one warning, and its return another", async () => {
    const { clock, rabbit } = await setUp({ name: "shop" });
    rabbit.refusal = new Error("not yet");
    rabbit.connection.cut(new Error("Heartbeat timeout"));
    await clock.advance(1_000);
    rabbit.refusal = undefined;
    await clock.advance(2_000);
    expect(said()).toEqual([
      'The connection to "shop" is lost (Heartbeat timeout); tidelane keeps trying to restore it.',
      'The connection to "shop" is restored.',
    ]);
  });

  it("that is given up, or never tried again, says that it is closed", async () => {
    const first = await setUp({ name: "shop", reconnect: false });
    first.rabbit.connection.cut(new Error("Heartbeat timeout"));
    expect(said()).toEqual([
      'The connection to "shop" is lost (Heartbeat timeout); it is closed, as reconnecting is over.',
    ]);
    const { clock, rabbit } = await setUp({ name: "shop", reconnect: { maxAttempts: 2 } });
    rabbit.refusal = new Error("no server");
    rabbit.connection.cut(new Error("Heartbeat timeout"));
    await clock.advance(60_000);
    expect(said().slice(1)).toEqual([
      'The connection to "shop" is lost (Heartbeat timeout); tidelane keeps trying to restore it.',
      'The connection to "shop" is lost (Connecting to "shop" failed: 127.0.0.1:5672: no server); it is closed, as reconnecting is over.',
    ]);
  });
});

describe("close() of a connection", () => {
  it("ends subscriptions and answers what waits, and is the same every time", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    const orders = await open(connection, "orders");
    const iterator = orders[Symbol.asyncIterator]();
    const next = iterator.next();
    rabbit.connection.block("low on memory");
    const publishing = publisher.publish({ topic: "orders", payload: "x" }).catch((error: unknown) => error);
    await Promise.all([connection.close(), connection.close(), connection[Symbol.asyncDispose]()]);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await publishing).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    expect(connection.state).toBe("closed");
    expect(rabbit.connection.open).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it("leaves every handle rejecting", async () => {
    const { connection, publisher } = await setUp();
    await connection.close();
    const closed = { code: "TIDELANE_CONNECTION_CLOSED" };
    await expect(publisher.publish({ topic: "a", payload: "" })).rejects.toMatchObject(closed);
    await expect(publisher.request({ topic: "a", payload: "" }, { timeoutMs: 5 })).rejects.toMatchObject(
      closed,
    );
    await expect(connection.subscribe("a")).rejects.toMatchObject(closed);
    await expect(open(connection, "a")).rejects.toMatchObject(closed);
  });

  it("is bounded when the server has gone silent", async () => {
    const { clock, connection, rabbit } = await setUp({ closeTimeoutMs: 700 });
    await open(connection, "orders");
    await publish(connection, "orders", "a");
    rabbit.silent = true;
    const over = stateOf(connection.close());
    const done = connection.close();
    await clock.advance(1_400);
    expect(await over).toBe("waiting");
    await done;
    expect(rabbit.connection.open).toBe(false);
  });

  it("while a subscription is being opened ends that too", async () => {
    const { clock, connection, rabbit } = await setUp();
    rabbit.silent = true;
    const opening = open(connection, "orders").catch((error: unknown) => error);
    await clock.flush();
    const down = connection.close();
    await clock.advance(10_000);
    await down;
    expect(await opening).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
  });

  it("while reconnecting leaves nothing behind", async () => {
    const { clock, connection, rabbit } = await setUp();
    rabbit.connection.cut();
    await connection.close();
    await clock.advance(60_000);
    expect(rabbit.targets).toHaveLength(1);
  });

  it("tells the server of every settle before it says goodbye", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    await publish(connection, "orders", "a", "b");
    await clock.flush();
    const messages = orders[Symbol.asyncIterator]().takeReady?.(2) ?? [];
    void messages[0]?.ack();
    void orders.close();
    await connection.close();
    expect(rabbit.queue("orders").ready.map(({ content }) => content.toString())).toEqual(["b"]);
  });
});

describe("an error of the protocol that our own declaration brings about", () => {
  it("is told to whoever declares it, and does not end in a circle", async () => {
    const { clock, rabbit, connection } = await setUp();
    rabbit.declareExchange = () => {
      rabbit.connection.cut(serverError(503, "COMMAND_INVALID", "unknown exchange type 'x-fancy'"));
    };
    const opening = open(connection, "orders", { exchanges: [{ name: "x", type: "x-fancy" }] });
    const outcome = opening.catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await outcome).toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      message: expect.stringContaining("unknown exchange type 'x-fancy'"),
    });
    expect(connection.state).toBe("open");
  });
});

/** The connection is lost between a question to the server, the one with this number from 1, and its answer. */
function cutBeforeAnswer(rabbit: FakeRabbit, number: number): { answers: () => number } {
  let count = 0;
  const later = rabbit.later.bind(rabbit);
  rabbit.later = (work) => {
    count += 1;
    if (count === number) queueMicrotask(() => rabbit.connection.cut());
    later(work);
  };
  return { answers: () => count };
}
