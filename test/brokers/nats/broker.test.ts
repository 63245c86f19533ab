import { afterEach, describe, expect, it, vi } from "vitest";
import { JetStreamBroker, NatsBroker } from "../../../src/brokers/nats/index.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import { isTidelaneError } from "../../../src/traits/index.ts";
import { FakeNats } from "./fake/fake-nats.ts";
import { errorOf, events, Loop, openGroup, setUpCore, setUpJetStream } from "./support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function fake() {
  const clock = new VirtualClock();
  return { clock, nats: new FakeNats(clock) };
}

describe("connect()", () => {
  it("tells the client where, as whom, and how patiently", async () => {
    const { clock, nats } = fake();
    await new NatsBroker({
      clock,
      client: nats,
      servers: "tls://jo:secret@a:1,b",
      connectTimeoutMs: 7,
      pingIntervalMs: 9,
      clientOptions: { noEcho: true, timeout: 1 },
    }).connect();
    expect(nats.line.options).toMatchObject({
      servers: ["a:1", "b:4222"],
      user: "jo",
      pass: "secret",
      tls: {},
      timeout: 7,
      pingInterval: 9,
      noEcho: true,
      maxReconnectAttempts: -1,
      reconnect: true,
    });
    expect(nats.line.options).not.toHaveProperty("token");
  });

  it("rejects with the reason, without the password", async () => {
    const { clock, nats } = fake();
    nats.refusal = new Error("Authorization Violation for hunter2");
    const error = await errorOf(
      new NatsBroker({ clock, client: nats, password: "hunter2", user: "jo" }).connect(),
    );
    expect(isTidelaneError(error, "TIDELANE_CONNECT_FAILED")).toBe(true);
    expect(error.message).toContain("Authorization Violation for ***");
  });

  it("ends with its signal, and closes a connection that comes too late", async () => {
    const { clock, nats } = fake();
    let open = (): void => {};
    nats.gate = new Promise((resolve) => {
      open = resolve;
    });
    const controller = new AbortController();
    const connecting = new NatsBroker({ clock, client: nats }).connect({ signal: controller.signal });
    controller.abort("enough");
    const error = await errorOf(connecting);
    expect(isTidelaneError(error, "TIDELANE_ABORTED")).toBe(true);
    expect(error.cause).toBe("enough");
    open();
    await clock.flush();
    expect(nats.line.isClosed()).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("is not begun when the signal has fired", async () => {
    const { clock, nats } = fake();
    const error = await errorOf(
      new NatsBroker({ clock, client: nats }).connect({ signal: AbortSignal.abort() }),
    );
    expect(isTidelaneError(error, "TIDELANE_ABORTED")).toBe(true);
    expect(nats.connections).toEqual([]);
  });

  it("waits for a server that cannot be reached, as long as it may", async () => {
    const { clock, nats } = fake();
    nats.refusal = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const patient = { clock, client: nats, connect: { waitMs: 5_000 } };
    const connecting = new JetStreamBroker(patient).connect();
    await clock.advance(3_000);
    nats.refusal = undefined;
    await clock.advance(2_000);
    expect((await connecting).state).toBe("open");
    nats.refusal = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const late = errorOf(new NatsBroker(patient).connect());
    await clock.advance(5_000);
    expect((await late).message).toContain("nothing listens there");
    nats.refusal = Object.assign(new Error("no"), { code: "AUTHORIZATION_VIOLATION" });
    expect((await errorOf(new NatsBroker(patient).connect())).message).toContain("refused the credentials");
  });

  it.each([NatsBroker, JetStreamBroker])("warns once of a server before 2.10: %o", async (Broker) => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock, nats } = fake();
    await new Broker({ clock, client: nats }).connect();
    expect(warn).not.toHaveBeenCalled();
    nats.info = { version: "2.9.10", max_payload: 1_000 };
    const broker = new Broker({ clock, client: nats, name: "main" });
    await broker.connect();
    await broker.connect();
    expect(warn.mock.calls).toEqual([
      [
        'The server of "main" is nats-server 2.9.10, and tidelane supports 2.10 and later: an older one may deliver an acked message again. Update the server.',
        "TidelaneWarning",
      ],
    ]);
    const seen = events("tidelane:error");
    await new Broker({ clock, client: nats }).connect();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(seen).toHaveLength(1);
  });

  it("takes a connection that was made elsewhere, and leaves it open", async () => {
    const { clock, nats } = fake();
    const theirs = await nats.connect({} as never);
    const broker = new NatsBroker({ clock, client: { connection: theirs, headers: () => nats.headers() } });
    const connection = await broker.connect();
    const subscriber = await connection.subscribe("a");
    await connection.publisher().publish({ topic: "a", payload: "hello", headers: { x: "1" } });
    expect((await new Loop(subscriber, clock).next()).headers.get("x")).toBe("1");
    await connection.close();
    expect(theirs.isClosed()).toBe(false);
    expect(theirs.subscriptions.size).toBe(0);
  });
});

describe("connect() to JetStream", () => {
  it.each(["2.8.4", "1.4.1"])("rejects on a server %s", async (version) => {
    const { clock, nats } = fake();
    nats.info = { version, max_payload: 1 };
    const error = await errorOf(new JetStreamBroker({ clock, client: nats }).connect());
    expect(error.message).toContain(`the server is ${version}`);
    expect(nats.line.isClosed()).toBe(true);
  });

  it("rejects where JetStream is not enabled", async () => {
    const { clock, nats } = fake();
    nats.jetStream.enabled = false;
    const error = await errorOf(new JetStreamBroker({ clock, client: nats }).connect());
    expect(isTidelaneError(error, "TIDELANE_CONNECT_FAILED")).toBe(true);
    expect(error.message).toContain("not enabled");
  });

  it("waits for JetStream as it waits for the server", async () => {
    const { clock, nats } = fake();
    nats.jetStream.enabled = false;
    const patient = { clock, client: nats, connect: { waitMs: 5_000 } };
    const connecting = new JetStreamBroker(patient).connect();
    await clock.advance(3_000);
    const attempts = nats.connections.length;
    expect(attempts).toBeGreaterThan(1);
    expect(nats.connections.every((one) => one.isClosed())).toBe(true);
    nats.jetStream.enabled = true;
    await clock.advance(2_000);
    expect((await connecting).state).toBe("open");
    nats.jetStream.enabled = false;
    const late = errorOf(new JetStreamBroker(patient).connect());
    await clock.advance(5_000);
    expect(await late).toMatchObject({ code: "TIDELANE_CONNECT_FAILED", retryable: true });
    expect(clock.timers).toBe(0);
  });

  it("uses the domain it is told", async () => {
    const { clock, nats } = fake();
    const error = await errorOf(new JetStreamBroker({ clock, client: nats, domain: "hub" }).connect());
    expect(nats.log.map(({ subject }) => subject)).toEqual(["$JS.hub.API.INFO"]);
    expect(error.message).toContain("not enabled");
  });
});

describe("a connection", () => {
  it("says where it leads, and what state it is in", async () => {
    const { clock, nats, connection } = await setUpCore();
    const seen = events("tidelane:reconnect");
    expect(connection.describe()).toEqual({ protocol: "nats", address: "127.0.0.1:4222", version: "2.15.3" });
    expect(connection.state).toBe("open");
    nats.line.lose();
    await clock.flush();
    expect(connection.state).toBe("reconnecting");
    nats.line.tell({ type: "reconnecting" });
    nats.line.restore();
    await clock.flush();
    expect(connection.state).toBe("open");
    await connection.close();
    expect(connection.state).toBe("closed");
    expect(seen).toEqual([
      { broker: "nats", state: "lost", attempt: 0 },
      { broker: "nats", state: "restored", attempt: 2 },
    ]);
  });

  it("warns once of a loss and once of the return where nobody listens, also with a consumer", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock, nats, connection } = await setUpJetStream();
    const loop = new Loop(await openGroup(connection), clock);
    await loop.peek();
    nats.line.lose();
    for (let attempt = 0; attempt < 3; attempt += 1) nats.line.tell({ type: "reconnecting" });
    await clock.advance(20_000);
    nats.line.restore();
    await clock.advance(20_000);
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'The connection to "jetstream" is lost; tidelane keeps trying to restore it.',
      'The connection to "jetstream" is restored.',
    ]);
  });

  it("says once that reconnecting is over", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock, nats } = await setUpCore({ password: "hunter2", user: "jo" });
    nats.line.lose();
    await clock.flush();
    nats.line.end(new Error("refused for hunter2"));
    await clock.flush();
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'The connection to "nats" is lost; tidelane keeps trying to restore it.',
      'The connection to "nats" is lost (refused for ***); it is closed, as reconnecting is over.',
    ]);
    // A client that is not to try says no word before it closes.
    const hasty = await setUpCore({ name: "hasty", reconnect: { maxAttempts: 0 } });
    hasty.nats.line.end();
    await clock.flush();
    expect(warn.mock.lastCall?.[0]).toBe(
      'The connection to "hasty" is lost; it is closed, as reconnecting is over.',
    );
    const other = await setUpCore();
    const seen = events("tidelane:reconnect");
    other.nats.line.lose();
    await clock.flush();
    const error = new Error("refused");
    other.nats.line.end(error);
    await clock.flush();
    expect(seen).toEqual([
      { broker: "nats", state: "lost", attempt: 0 },
      { broker: "nats", state: "lost", attempt: 1, error: expect.objectContaining({ message: "refused" }) },
    ]);
  });

  it("does not say it of a connection that is closed, by us or by its owner", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock, nats, connection } = await setUpCore();
    await connection.close();
    const theirs = await nats.connect({} as never);
    const client = { connection: theirs, headers: () => nats.headers() };
    const borrowed = await new NatsBroker({ clock, client }).connect();
    theirs.end();
    await clock.flush();
    expect(borrowed.state).toBe("closed");
    expect(warn).not.toHaveBeenCalled();
  });

  it("waits longer from attempt to attempt, and the same however often it is asked", async () => {
    const { clock, nats } = await setUpCore({ reconnect: { initialMs: 100, maxMs: 300 } });
    const { reconnectDelayHandler: wait } = nats.line.options;
    expect(wait()).toBe(0);
    nats.line.lose();
    await clock.flush();
    const first = wait();
    expect(wait()).toBe(first);
    expect(first).toBeGreaterThanOrEqual(50);
    expect(first).toBeLessThanOrEqual(100);
    for (let attempt = 0; attempt < 5; attempt += 1) nats.line.tell({ type: "reconnecting" });
    await clock.flush();
    expect(wait()).toBeGreaterThanOrEqual(150);
    expect(wait()).toBeLessThanOrEqual(300);
    nats.line.restore();
    await clock.flush();
    expect(wait()).toBe(0);
  });

  it("lends its clock to its subscribers", async () => {
    const core = await setUpCore();
    expect((await core.connection.subscribe("a")).clock).toBe(core.clock);
    const streams = await setUpJetStream();
    expect((await streams.connection.subscribe("s.a")).clock).toBe(streams.clock);
  });

  it("that the client gives up is closed, and those who wait are told why", async () => {
    const { clock, nats, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    const waiting = loop.peek();
    nats.line.end(new Error("too many attempts"));
    const error = (await waiting) as Error;
    expect(error.message).toContain("too many attempts");
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(await loop.peek()).toBe("done");
    expect(connection.state).toBe("closed");
  });

  it("refuses everything once it is closed, and closing it again changes nothing", async () => {
    const { connection, clock } = await setUpCore();
    const publisher = connection.publisher();
    const [first, second] = [connection.close(), connection.close()];
    await Promise.all([first, second]);
    const calls = [
      publisher.publish({ topic: "a", payload: "" }),
      publisher.request({ topic: "a", payload: "" }, { timeoutMs: 5 }),
      connection.subscribe("a"),
      connection.subscribePattern("a.*"),
    ];
    for (const call of calls) {
      expect(isTidelaneError(await errorOf(call), "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    }
    expect(clock.timers).toBe(0);
  });

  it("is closed in bounded time when the server does not answer", async () => {
    const { clock, nats, connection } = await setUpCore({ closeTimeoutMs: 1_000 });
    await connection.subscribe("a");
    nats.line.stalled = true;
    let over = false;
    void connection.close().then(() => {
      over = true;
    });
    await clock.advance(999);
    expect(over).toBe(false);
    await clock.advance(1);
    expect(over).toBe(true);
  });
});
