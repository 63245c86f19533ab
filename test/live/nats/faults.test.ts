import { channel } from "node:diagnostics_channel";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNatsIo } from "@nats-io/transport-node";
import type { JetStreamConnection, JetStreamSubscriber } from "tidelane/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import {
  clientNames,
  connect,
  errorOf,
  Loop,
  numbers,
  pause,
  publish,
  stream,
  texts,
  until,
} from "./stage.ts";

const options = {
  from: "start",
  ackDeadlineMs: 2_000,
  maxInFlight: 20,
  heartbeatMs: 200,
} as const;

/** Handles everything, and remembers what came, in order. */
class Handling {
  readonly came: number[] = [];
  ended: Error | undefined = undefined;

  constructor(subscriber: JetStreamSubscriber) {
    void this.#run(subscriber);
  }

  async #run(subscriber: JetStreamSubscriber): Promise<void> {
    try {
      for await (const message of subscriber) {
        this.came.push(Number(message.text()));
        // A revoked delivery comes again.
        await message.ack().catch(() => {});
      }
    } catch (error) {
      this.ended = error as Error;
    }
  }

  get seen(): number {
    return new Set(this.came).size;
  }

  /** Whether what came for the first time came in order. */
  get inOrder(): boolean {
    const firsts = [...new Set(this.came)];
    return firsts.every((number, index) => index === 0 || number > (firsts[index - 1] ?? 0));
  }
}

/** Publishes one number after the other until it is stopped. */
class Publishing {
  count = 0;
  readonly failed: Error[] = [];
  #going = true;
  readonly #done: Promise<void>;

  constructor(connection: JetStreamConnection, topic: string) {
    this.#done = this.#run(connection, topic);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
  }

  async #run(connection: JetStreamConnection, topic: string): Promise<void> {
    const publisher = connection.publisher({ resend: true });
    while (this.#going) {
      this.count += 1;
      await publisher.publish({ topic, payload: String(this.count) }).catch((error: Error) => {
        this.failed.push(error);
      });
      await pause(1);
    }
  }
}

function reconnects(): string[] {
  const seen: string[] = [];
  const listener = (event: unknown): void => {
    const { broker, state } = event as { broker: string; state: string };
    seen.push(`${broker.split(":")[0]} ${state}`);
  };
  channel("tidelane:reconnect").subscribe(listener);
  onTestFinished(() => {
    channel("tidelane:reconnect").unsubscribe(listener);
  });
  return seen;
}

await describeLive(
  "nats",
  "JetStream under faults",
  (server) => {
    async function manage() {
      const connection = await connectNatsIo({ servers: server.address });
      onTestFinished(() => connection.close());
      return jetstreamManager(connection);
    }

    describe.each(clientNames)("over %s", (client) => {
      it.each(["kill", "stop"] as const)(
        "%s and restart of the server: nothing is lost, nothing out of order, nothing acked comes again",
        async (how) => {
          const connection = await connect(server, client, { publishTimeoutMs: 20_000 });
          const seen = reconnects();
          const name = await stream(connection);
          const topic = `${name}.a`;
          const shared = { group: "g", sole: true, ...options } as const;
          const group = new Handling(await connection.subscribe(topic, shared));
          const own = new Handling(await connection.subscribe(topic, options));
          const publishing = new Publishing(connection, topic);
          await until("some have come", () => group.seen > 100 && own.seen > 100);
          await server[how]();
          expect(connection.state === "closed").toBe(false);
          await pause(200);
          await server.restart();
          await until("it is open", () => connection.state === "open");
          const before = publishing.count;
          await until("more have come", () => group.seen > before + 50 && own.seen > before + 50);
          await publishing.stop();
          expect(publishing.failed).toEqual([]);
          await until(
            "all have come",
            () => group.seen === publishing.count && own.seen === publishing.count,
          );
          for (const one of [group, own]) {
            expect(one.inOrder).toBe(true);
            // What was in flight may come twice.
            expect(one.came.length - one.seen).toBeLessThanOrEqual(options.maxInFlight);
            expect(one.ended).toBeUndefined();
          }
          expect(seen).toContain("jetstream lost");
          expect(seen).toContain("jetstream restored");
        },
      );

      it("settles made while the server is down reach it afterwards", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const manager = await manage();
        await publish(connection, `${name}.a`, numbers(3));
        const loop = new Loop(
          await connection.subscribe(`${name}.a`, { group: "g", ...options, ackDeadlineMs: 10_000 }),
        );
        const messages = await loop.take(3);
        await server.kill();
        await until("the loss is seen", () => connection.state === "reconnecting");
        const settled = Promise.all(messages.map((message) => message.ack()));
        await server.restart();
        await settled;
        // A server that was killed may have forgotten the deliveries, or may not take acks yet. It delivers the messages again,
        // after their ack deadline at the latest, and the loop acks them again.
        loop.next().catch(() => {});
        await until("all are acked", async () => {
          const info = await manager.consumers.info(name, "g").catch(() => undefined);
          return info?.num_ack_pending === 0 && info.ack_floor.stream_seq === 3;
        });
      });

      it("close() while the server is down is over at once", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const waiting = (await connection.subscribe(`${name}.a`, options))[Symbol.asyncIterator]().next();
        await server.kill();
        await until("the loss is seen", () => connection.state === "reconnecting");
        const publishing = errorOf(connection.publisher().publish({ topic: `${name}.a`, payload: "" }));
        const began = performance.now();
        await connection.close();
        expect(performance.now() - began).toBeLessThan(1_000);
        expect((await waiting).done).toBe(true);
        expect((await publishing).name).toBe("ConnectionClosedError");
        await server.restart();
      });

      it("a consumer of our own that is deleted is made again where it stopped", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const manager = await manage();
        const handling = new Handling(await connection.subscribe(`${name}.a`, options));
        const publishing = new Publishing(connection, `${name}.a`);
        for (let round = 0; round < 3; round += 1) {
          const before = handling.seen;
          await until("some have come", () => handling.seen > before + 30);
          const [consumer] = await manager.consumers.list(name).next();
          await manager.consumers.delete(name, consumer?.name ?? "");
        }
        await publishing.stop();
        await until("all have come", () => handling.seen === publishing.count);
        expect(handling.came).toEqual(numbers(publishing.count).map(Number));
      });

      it("a group whose consumer is deleted ends with an error that says so", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const manager = await manage();
        const handling = new Handling(await connection.subscribe(`${name}.a`, { group: "g", ...options }));
        await pause(100);
        await manager.consumers.delete(name, "g");
        await until("it has ended", () => handling.ended !== undefined);
        expect(handling.ended?.name).toBe("SubscriptionFailedError");
        expect(handling.ended?.message).toContain(`the consumer "g" of the stream "${name}"`);
        expect(handling.ended?.message).toContain("deleted");
      });

      it.each([{}, { group: "g" }])("a stream that is deleted ends its subscriptions: %j", async (group) => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const handling = new Handling(await connection.subscribe(`${name}.a`, { ...group, ...options }));
        await pause(100);
        await (await manage()).streams.delete(name);
        await until("it has ended", () => handling.ended !== undefined);
        expect(handling.ended?.message).toContain("its stream was deleted");
      });

      it("a connection that is cut comes back, again and again", async () => {
        await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
        const address = `127.0.0.1:${proxy.port}`;
        const connection = await connect({ address }, client, { publishTimeoutMs: 20_000 });
        const name = await stream(connection);
        // Without `sole`, messages on the way when the line was cut come after their ack deadline, behind later messages.
        const one = { group: "g", sole: true, ...options } as const;
        const handling = new Handling(await connection.subscribe(`${name}.a`, one));
        const publishing = new Publishing(connection, `${name}.a`);
        for (let round = 0; round < 5; round += 1) {
          const before = handling.seen;
          await until("some have come", () => handling.seen > before + 30);
          proxy.cut();
        }
        await publishing.stop();
        expect(publishing.failed).toEqual([]);
        await until("all have come", () => handling.seen === publishing.count);
        expect(handling.inOrder).toBe(true);
      });

      it("a connection that stalls is noticed by its heartbeats, and given up by its pings", async () => {
        await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
        const address = `127.0.0.1:${proxy.port}`;
        const connection = await connect({ address }, client, {
          pingIntervalMs: 300,
          publishTimeoutMs: 20_000,
        });
        const seen = reconnects();
        const name = await stream(connection);
        const handling = new Handling(await connection.subscribe(`${name}.a`, { group: "g", ...options }));
        await publish(connection, `${name}.a`, ["1"]);
        await until("it has come", () => handling.seen === 1);
        proxy.stall();
        await until("it is given up", () => connection.state === "reconnecting");
        proxy.resume();
        await until("it is back", () => connection.state === "open");
        await publish(connection, `${name}.a`, ["2"]);
        await until("it has come", () => handling.seen === 2);
        expect(seen).toContain("jetstream lost");
      });

      it("requests the server has forgotten are made again", async () => {
        await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
        const address = `127.0.0.1:${proxy.port}`;
        const connection = await connect({ address }, client, { pingIntervalMs: 60_000, apiTimeoutMs: 500 });
        const seen = reconnects();
        const name = await stream(connection);
        const subscriber = await connection.subscribe(`${name}.a`, { group: "g", ...options });
        const handling = new Handling(subscriber);
        await pause(100);
        proxy.stall();
        await until("the heartbeats are missed", () => seen.includes("jetstream lost"));
        // The client has noticed nothing. Only the missed heartbeats show it.
        expect(connection.state).toBe("open");
        proxy.resume();
        await publish(connection, `${name}.a`, ["1"]);
        await until("it has come", () => handling.seen === 1);
        expect(handling.ended).toBeUndefined();
      });

      it("close() of a stalled connection is bounded", async () => {
        await using proxy = await TcpProxy.to("127.0.0.1", Number(new URL(server.address).port));
        const address = `127.0.0.1:${proxy.port}`;
        const connection = await connect({ address }, client, { closeTimeoutMs: 500 });
        const name = await stream(connection);
        await publish(connection, `${name}.a`, ["1"]);
        const message = await new Loop(await connection.subscribe(`${name}.a`, options)).next();
        proxy.stall();
        const began = performance.now();
        await connection.close();
        expect(performance.now() - began).toBeLessThan(1_500);
        expect((await errorOf(message.ack())).name).toBe("DeliveryRevokedError");
      });
    });

    it("a server of 2.9 knows no reasons for a drop, and is not told one", async () => {
      const connection = await connect(server, "nats");
      const name = await stream(connection);
      await publish(connection, `${name}.a`, ["bad", "good"]);
      const loop = new Loop(await connection.subscribe(`${name}.a`, { group: "g", ...options }));
      await (await loop.next()).drop("not for us");
      await (await loop.next()).ack();
      await pause(options.ackDeadlineMs + 500);
      await publish(connection, `${name}.a`, ["next"]);
      expect(texts([await loop.next()])).toEqual(["next"]);
    });
  },
  { own: true },
);
