import { channel } from "node:diagnostics_channel";
import { isTidelaneError } from "tidelane";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import { command, connect, errorOf, fresh, Loop, numbers, pause, publish, texts, until } from "./stage.ts";

/** Everything that is told on the channels, as text. */
function told(): string[] {
  const seen: string[] = [];
  const listener = (event: unknown, name: string | symbol): void => {
    const { error, cause = error } = event as { error?: Error; cause?: unknown };
    seen.push(`${String(name)} ${JSON.stringify(event)} ${error?.stack} ${String(cause)}`);
  };
  const names = ["tidelane:reconnect", "tidelane:error"];
  for (const name of names) channel(name).subscribe(listener);
  onTestFinished(() => {
    for (const name of names) channel(name).unsubscribe(listener);
  });
  return seen;
}

await describeLive(
  "redis",
  "when a server goes, and comes back",
  (server) => {
    // After a test that failed half way.
    beforeEach(async () => {
      told();
      if (!(await server.running())) await server.restart();
    });

    it.each(["kill", "stop"] as const)(
      "after %s, what is held stays held, and an ack gets there",
      async (how) => {
        const connection = await connect(server);
        const topic = fresh("held");
        await publish(connection, topic, numbers(4));
        const loop = new Loop(await connection.subscribe(topic, { group: "g", recoverEveryMs: 50 }));
        const [one, two, three, four] = await loop.take(4);
        await server[how]();
        await until("the loss is seen", () => connection.state === "reconnecting");
        await one?.ack();
        const requeued = two?.nack();
        const waiting = connection.publisher().publish({ topic, payload: "5" });
        await server.restart();
        await Promise.all([requeued, waiting]);
        const came = await loop.take(2);
        expect(texts(came).sort()).toEqual(["2", "5"]);
        expect(three?.revoked).toBeUndefined();
        await Promise.all([three, four, ...came].map((message) => message?.ack()));
        await until("all is acked", async () => {
          const [pending] = (await command(server, "XPENDING", topic, "g")) as [number];
          return pending === 0;
        });
      },
    );

    it("a group that the server has lost is made again, and what was unread comes", async () => {
      const connection = await connect(server);
      const topic = fresh("nogroup");
      const loop = new Loop(await connection.subscribe(topic, { group: "g", recoverEveryMs: 50 }));
      await publish(connection, topic, ["1"]);
      await (await loop.next()).ack();
      const next = loop.next();
      await command(server, "XGROUP", "DESTROY", topic, "g");
      // From the start of the stream, as the group began: at least once.
      const again = await next;
      expect(again.text()).toBe("1");
      await again.ack();
      await command(server, "FLUSHALL");
      await publish(connection, topic, ["2"]);
      expect((await loop.next()).text()).toBe("2");
    });

    it("a subscription of its own goes on behind what it has had when its group is lost", async () => {
      const connection = await connect(server);
      const topic = fresh("own");
      const loop = new Loop(await connection.subscribe(topic, { recoverEveryMs: 50 }));
      await publish(connection, topic, ["1"]);
      await (await loop.next()).ack();
      const groups = (await command(server, "XINFO", "GROUPS", topic)) as string[][];
      const next = loop.next();
      await command(server, "XGROUP", "DESTROY", topic, String(groups[0]?.[1]));
      await publish(connection, topic, ["2"]);
      expect((await next).text()).toBe("2");
    });

    it("what was on its way when the network broke comes again, and nothing twice", async () => {
      await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
      const direct = await connect(server);
      const topic = fresh("cut");
      const connection = await connect({ address: `redis://127.0.0.1:${proxy.port}` });
      // No deadline and no other member brings it back: the member asks for it.
      const options = { group: "g", ackDeadlineMs: 600_000, prefetch: 4, maxInFlight: 500 };
      const loop = new Loop(await connection.subscribe(topic, options));
      await publish(direct, topic, numbers(300));
      const seen: string[] = [];
      for (const count of [20, 60, 220]) {
        const messages = await loop.take(count);
        seen.push(...texts(messages));
        for (const message of messages) void message.ack();
        proxy.cut();
      }
      expect(seen.sort()).toEqual(numbers(300).sort());
    });

    it("what a member held that died comes to another after the ack deadline, with a higher count", async () => {
      const topic = fresh("died");
      const options = { group: "g", ackDeadlineMs: 300, recoverEveryMs: 50 };
      const dying = await connect(server, { reconnect: false });
      await publish(dying, topic, numbers(3));
      const held = await new Loop(await dying.subscribe(topic, options)).take(3);
      await command(server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await until("the loss is seen", () => dying.state === "closed");
      const other = await connect(server);
      const came = await new Loop(await other.subscribe(topic, options)).take(3);
      expect(texts(came)).toEqual(numbers(3));
      expect(came.map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2, 2]);
      expect(
        isTidelaneError(await errorOf(held[0]?.ack() ?? Promise.resolve()), "TIDELANE_DELIVERY_REVOKED"),
      ).toBe(true);
    });

    it("who gives up says so once, everywhere, and nothing hangs", async () => {
      const connection = await connect(server, { reconnect: { maxAttempts: 2, initialMs: 10, maxMs: 20 } });
      const topic = fresh("ended");
      await publish(connection, topic, ["1"]);
      const loop = new Loop(await connection.subscribe(topic, { group: "g" }));
      const held = await loop.next();
      const end = errorOf(loop.next());
      await server.kill();
      await until("the loss is seen", () => connection.state !== "open");
      const publishing = errorOf(connection.publisher().publish({ topic, payload: "2" }));
      expect(isTidelaneError(await end, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
      expect((await publishing).name).toBe("ConnectionClosedError");
      expect(held.signal.aborted).toBe(true);
      expect((await errorOf(connection.subscribe(topic))).name).toBe("ConnectionClosedError");
      await server.restart();
    });

    it("calls over a connection that stalls end by their signals and their time, and so does a close", async () => {
      await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
      const stalled = { address: `redis://127.0.0.1:${proxy.port}` };
      const connection = await connect(stalled, { closeTimeoutMs: 300, publishTimeoutMs: 300 });
      const topic = fresh("stalled");
      const subscriber = await connection.subscribe(topic, { group: "g" });
      void subscriber[Symbol.asyncIterator]().next();
      await pause(50);
      proxy.stall();
      const controller = new AbortController();
      const publisher = connection.publisher();
      const aborted = errorOf(publisher.publish({ topic, payload: "a" }, { signal: controller.signal }));
      controller.abort();
      expect((await aborted).name).toBe("AbortedError");
      expect((await errorOf(publisher.publish({ topic, payload: "b" }))).name).toBe("TimeoutError");
      const began = performance.now();
      await subscriber.close();
      await connection.close();
      // 300 ms each, and as much again for a busy machine.
      expect(performance.now() - began).toBeLessThan(1_200);
    });

    it("a server that is silent is given up after two and a half heartbeats", async () => {
      await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
      const connection = await connect({ address: `redis://127.0.0.1:${proxy.port}` }, { heartbeatMs: 100 });
      await pause(500);
      expect(connection.state).toBe("open");
      proxy.stall();
      await until("it is given up", () => connection.state === "reconnecting", 2_000);
      proxy.cut();
      proxy.resume();
      await until("it is back", () => connection.state === "open");
    });
  },
  { own: true },
);

await describeLive(
  "redis",
  "what is told of a server with users",
  (server) => {
    it("holds no credential when it goes and comes back", async () => {
      const seen = told();
      const connection = await connect(server);
      const topic = fresh("users");
      const next = new Loop(await connection.subscribe(topic, { group: "g" })).next();
      await server.kill();
      await until("the loss is seen", () => connection.state === "reconnecting");
      await pause(100);
      await server.restart();
      await until("it is back", () => connection.state === "open");
      await publish(connection, topic, ["1"]);
      expect((await next).text()).toBe("1");
      expect(seen.length).toBeGreaterThan(1);
      expect(seen.join("\n")).not.toMatch(/joe|hunter2/);
    });
  },
  { own: true, user: { name: "joe", password: "hunter2" } },
);
