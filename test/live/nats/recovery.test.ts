import { channel } from "node:diagnostics_channel";
import { isTidelaneError } from "tidelane";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import {
  clientNames,
  connect,
  errorOf,
  fresh,
  Loop,
  numbers,
  pause,
  publish,
  stream,
  texts,
  until,
} from "./stage.ts";

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
  "nats",
  "when a server goes, and comes back",
  (server) => {
    const proxied = () => TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));

    // After a test that failed half way.
    beforeEach(async () => {
      if (!(await server.running())) await server.restart();
    });

    describe.each(clientNames)("over %s", (client) => {
      it("subjects go on: subscriptions, groups, patterns and requests", async () => {
        const { core } = await connect(server, client);
        const topic = fresh("core");
        const subscribers = [
          await core.subscribe(topic),
          await core.subscribe(topic, { group: "g" }),
          await core.subscribePattern(`${topic.slice(0, -1)}*`),
        ].slice(0, 2);
        const loops = subscribers.map((subscriber) => new Loop(subscriber));
        const publisher = core.publisher({ confirm: true });
        for (const how of ["kill", "stop"] as const) {
          await server[how]();
          await until("the loss is seen", () => core.state === "reconnecting");
          const waiting = publisher.publish({ topic, payload: how });
          await server.restart();
          await waiting;
          for (const loop of loops) expect((await loop.next()).text()).toBe(how);
        }
        const question = core.publisher().request({ topic, payload: "?" }, { timeoutMs: 5_000 });
        const asked = await loops[0]?.next();
        await publisher.publish({ topic: asked?.headers.get("reply-to") ?? "", payload: "!" });
        expect((await question).text()).toBe("!");
      });

      it("a subscription is opened, and a stream is made, as soon as it is back", async () => {
        const connection = await connect(server, client, { apiTimeoutMs: 20_000 });
        const name = await stream(connection);
        await server.kill();
        await until("the loss is seen", () => connection.state === "reconnecting");
        const opened = connection.subscribe(`${name}.a`, { from: "start" });
        const made = connection.createStream(`${name}-2`, { subjects: [`${name}-2`] });
        await server.restart();
        await made;
        await publish(connection, `${name}.a`, ["1"]);
        expect((await new Loop(await opened).next()).text()).toBe("1");
      });

      it("who gives up says so once, everywhere, and nothing hangs", async () => {
        const connection = await connect(server, client, {
          reconnect: { maxAttempts: 2, initialMs: 10, maxMs: 20 },
        });
        const name = await stream(connection);
        await publish(connection, `${name}.a`, numbers(2));
        const group = { group: "g", from: "start" } as const;
        const loop = new Loop(await connection.subscribe(`${name}.a`, group));
        const [held] = await loop.take(2);
        const core = new Loop(await connection.core.subscribe(fresh("core")));
        const ends = [loop, core].map((each) => errorOf(each.next()));
        await server.kill();
        await until("the loss is seen", () => connection.state !== "open");
        const publishing = errorOf(connection.publisher().publish({ topic: `${name}.a`, payload: "3" }));
        for (const end of ends) {
          const error = await end;
          expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
          expect(error.message).toContain("its connection was closed");
        }
        expect((await publishing).name).toBe("ConnectionClosedError");
        expect(connection.state).toBe("closed");
        expect(held?.signal.aborted).toBe(true);
        expect((await errorOf(held?.ack() ?? Promise.resolve())).name).toBe("DeliveryRevokedError");
        expect((await errorOf(connection.subscribe(`${name}.a`))).name).toBe("ConnectionClosedError");
        await connection.close();
        await server.restart();
        const again = await connect(server, client);
        const came = await new Loop(await again.subscribe(`${name}.a`, { group: "g" })).take(2);
        expect(texts(came).sort()).toEqual(["1", "2"]);
      });

      it("an ack that is to be confirmed waits for the connection, and is confirmed", async () => {
        const connection = await connect(server, client, { apiTimeoutMs: 20_000 });
        const name = await stream(connection);
        await publish(connection, `${name}.a`, numbers(2));
        const group = { group: "g", from: "start" } as const;
        const loop = new Loop(await connection.subscribe(`${name}.a`, { ...group, confirmAcks: true }));
        const messages = await loop.take(2);
        await server.kill();
        await until("the loss is seen", () => connection.state === "reconnecting");
        const confirmed = Promise.all(messages.map((message) => message.ack()));
        await server.restart();
        await confirmed;
        await server.kill();
        await server.restart();
        await publish(connection, `${name}.a`, ["3"]);
        expect((await loop.next()).text()).toBe("3");
      });

      it("calls over a connection that stalls end by their signals and their time", async () => {
        await using proxy = await proxied();
        const options = {
          closeTimeoutMs: 300,
          publishTimeoutMs: 400,
          apiTimeoutMs: 400,
          pingIntervalMs: 60_000,
        };
        const connection = await connect({ address: `127.0.0.1:${proxy.port}` }, client, options);
        const name = await stream(connection);
        await publish(connection, `${name}.a`, numbers(1));
        const subscriber = await connection.subscribe(`${name}.a`, { from: "start", confirmAcks: true });
        const held = await new Loop(subscriber).next();
        proxy.stall();
        const message = { topic: `${name}.a`, payload: "" };
        const codeOf = async (promise: Promise<unknown>) =>
          ((await errorOf(promise)) as { code?: string }).code;
        const calls = (signal?: AbortSignal) => {
          const given = signal === undefined ? {} : { signal };
          return [
            connection.publisher().publish(message, given),
            connection.core.publisher().request(message, { timeoutMs: 400, ...given }),
          ];
        };
        const controller = new AbortController();
        const aborted = calls(controller.signal).map(codeOf);
        controller.abort();
        expect(await Promise.all(aborted)).toEqual(["TIDELANE_ABORTED", "TIDELANE_ABORTED"]);
        const timed = [...calls(), connection.subscribe(`${name}.a`), held.ack()].map(codeOf);
        expect(await Promise.all(timed)).toEqual(Array.from(timed, () => "TIDELANE_TIMEOUT"));
        const began = performance.now();
        await subscriber.close();
        await connection.close();
        // 300 ms each, and as much again for a busy machine.
        expect(performance.now() - began).toBeLessThan(1_200);
      });
    });
  },
  { own: true },
);

await describeLive(
  "nats",
  "what is told of a server with users",
  (server) => {
    it.each(clientNames)("when it goes and comes back holds no credential: over %s", async (client) => {
      const seen = told();
      const connection = await connect(server, client);
      const name = await stream(connection);
      const loop = new Loop(await connection.subscribe(`${name}.a`, { from: "start" }));
      const next = loop.next();
      await server.kill();
      await until("the loss is seen", () => connection.state === "reconnecting");
      await pause(100);
      await server.restart();
      await until("it is back", () => connection.state === "open");
      await publish(connection, `${name}.a`, ["1"]);
      expect((await next).text()).toBe("1");
      expect(seen.length).toBeGreaterThan(1);
      expect(seen.join("\n")).not.toMatch(/joe|hunter2/);
    });
  },
  { own: true, user: { name: "joe", password: "hunter2" } },
);
