import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { AmqpBroker } from "tidelane/amqp";
import { expect, it, onTestFinished } from "vitest";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import { connect, fresh, open, pause, takeOne, until } from "./stage.ts";

async function proxied(server: Server): Promise<{ proxy: TcpProxy; url: string }> {
  const url = new URL(server.address);
  const proxy = await TcpProxy.to(url.hostname, Number(url.port));
  onTestFinished(() => proxy.close());
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.toString() };
}

/** What it rejects with; fails when it resolves. */
function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable("it resolved"),
    (error: unknown) => error,
  );
}

/** How long `work` takes, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

await describeLive("rabbitmq", "calls that wait on RabbitMQ", (server) => {
  it("a connect that gets no answer is taken back by its signal, and leaves no connection", async () => {
    const { proxy, url } = await proxied(server);
    proxy.stall();
    const abort = new AbortController();
    const connecting = new AmqpBroker({ url }).connect({ signal: abort.signal });
    const refused = refusalOf(connecting);
    await until("it is on its way", () => proxy.connections === 1);
    abort.abort();
    expect(await refused).toMatchObject({ code: "TIDELANE_ABORTED" });
    proxy.resume();
    await until("nothing is left", () => proxy.connections === 0);
  });

  it("publish and request are taken back by their signals while the network stalls", async () => {
    const { proxy, url } = await proxied(server);
    const connection = await connect(server, { url, closeTimeoutMs: 300 });
    const queue = fresh("stalled");
    await (await open(connection, queue)).close();
    const publisher = connection.publisher();
    proxy.stall();
    const abort = new AbortController();
    const { signal } = abort;
    const calls = [
      publisher.publish({ topic: queue, payload: "a" }, { signal }),
      publisher.request({ topic: queue, payload: "b" }, { signal, timeoutMs: 60_000 }),
    ].map(refusalOf);
    await pause(50);
    abort.abort();
    for (const refusal of await Promise.all(calls))
      expect(refusal).toMatchObject({ code: "TIDELANE_ABORTED" });
  });

  it("closing a subscriber is bounded while the network stalls, and what it held comes again", async () => {
    const { proxy, url } = await proxied(server);
    const connection = await connect(server, { url, closeTimeoutMs: 300 });
    const queue = fresh("closing");
    const orders = await open(connection, queue);
    await connection.publisher().publish({ topic: queue, payload: "a" });
    const message = await takeOne(orders);
    proxy.stall();
    expect(await timed(() => orders.close())).toBeLessThan(5_000);
    await expect(message.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
    proxy.cut();
    proxy.resume();
    const other = await connect(server);
    expect((await takeOne(await other.subscribe(queue))).text()).toBe("a");
  });

  it("while the connection is lost they wait for it, or for close()", async () => {
    const { proxy, url } = await proxied(server);
    const reconnect = { initialMs: 50, maxMs: 100 };
    const connection = await connect(server, { url, reconnect });
    const queue = fresh("lost");
    await (await open(connection, queue)).close();
    await proxy.close();
    await until("the loss is noticed", () => connection.state === "reconnecting");
    const publisher = connection.publisher();
    const calls = [
      connection.subscribe(queue),
      publisher.publish({ topic: queue, payload: "a" }),
      publisher.request({ topic: queue, payload: "a" }, { timeoutMs: 60_000 }),
    ].map(refusalOf);
    expect(await timed(() => connection.close())).toBeLessThan(5_000);
    for (const refusal of await Promise.all(calls)) {
      expect(refusal).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    }
  });

  it("a connection that cannot be restored ends, and everything of it says why", async () => {
    const { proxy, url } = await proxied(server);
    const connection = await connect(server, {
      url,
      reconnect: { initialMs: 20, maxMs: 40, maxAttempts: 3 },
    });
    const orders = await open(connection, fresh("ended"));
    const next = refusalOf(orders[Symbol.asyncIterator]().next());
    const { port } = proxy;
    await proxy.close();
    expect(await next).toMatchObject({
      code: "TIDELANE_SUBSCRIPTION_FAILED",
      cause: {
        code: "TIDELANE_CONNECT_FAILED",
        message: `Connecting to "rabbitmq" failed: 127.0.0.1:${port}: nothing listens there; check the address, and that the server is up.`,
      },
    });
    expect(connection.state).toBe("closed");
    await expect(connection.publisher().publish({ topic: "a", payload: "b" })).rejects.toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
  });
});

await describeLive(
  "rabbitmq",
  "a RabbitMQ with a login of its own",
  (server) => {
    it("is killed, restarted and refused, and its login is nowhere to be seen", {
      timeout: 120_000,
    }, async () => {
      const told: unknown[] = [];
      for (const name of ["tidelane:reconnect", "tidelane:error"]) {
        const listener = (event: unknown): void => void told.push(event);
        channel(name).subscribe(listener);
        onTestFinished(() => void channel(name).unsubscribe(listener));
      }
      const { proxy, url } = await proxied(server);
      const connection = await connect(server, { url, reconnect: { initialMs: 20, maxMs: 200 } });
      const queue = fresh("login");
      const orders = await open(connection, queue);
      await server.declarationsKept();
      const next = takeOne(orders);
      proxy.cut();
      await until("the cut is noticed", () => told.length > 0);
      await server.kill();
      const waiting = connection.publisher().publish({ topic: queue, payload: "a" });
      told.push(await refusalOf(new AmqpBroker({ url }).connect()));
      await server.restart();
      // It may have been on its way when the server died: then it says so, and is published again.
      await waiting.catch((error: unknown) => {
        told.push(error);
        return connection.publisher().publish({ topic: queue, payload: "a" });
      });
      expect((await next).text()).toBe("a");
      told.push(
        await refusalOf(connection.subscribe(fresh("nope"))),
        connection,
        orders,
        connection.describe(),
      );
      expect(told.length).toBeGreaterThan(5);
      for (const each of told) {
        const shown = inspect(each, { depth: 10, showHidden: true }) + JSON.stringify(each);
        expect(shown).not.toMatch(/sesame/);
      }
    });
  },
  { own: true, user: { name: "ann", password: "open/sesame" } },
);
