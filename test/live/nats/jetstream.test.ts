import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNatsIo } from "@nats-io/transport-node";
import type { JetStreamSubscribeOptions } from "tidelane/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeLive } from "../describe-live.ts";
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

await describeLive("nats", "streams on a NATS server", (server) => {
  /** The official JetStream client, as a witness. */
  async function witness() {
    const connection = await connectNatsIo({ servers: server.address });
    onTestFinished(() => connection.close());
    return { manager: await jetstreamManager(connection), client: jetstream(connection) };
  }

  describe.each(clientNames)("over %s", (client) => {
    it("settle in every way, each for its own message", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const topic = `${name}.a`;
      await publish(connection, topic, numbers(5));
      const subscriber = await connection.subscribe(topic, { group: "g", from: "start" });
      const loop = new Loop(subscriber);
      const [one, two, three, four, five] = await loop.take(5);
      await five?.ackConfirmed();
      await three?.nack();
      await four?.nack({ requeue: false });
      const given = performance.now();
      await two?.nackAfter(300);
      const first = await loop.next();
      expect([first.text(), first.deliveryCount]).toEqual(["3", 2]);
      const second = await loop.next();
      expect([second.text(), second.deliveryCount]).toEqual(["2", 2]);
      expect(performance.now() - given).toBeGreaterThanOrEqual(299);
      await Promise.all([first, second].map((message) => message.ackConfirmed()));
      const { manager } = await witness();
      const info = await manager.consumers.info(name, "g");
      expect(info).toMatchObject({ num_ack_pending: 1, num_pending: 0, ack_floor: { stream_seq: 0 } });
      await one?.ackConfirmed();
      expect(await manager.consumers.info(name, "g")).toMatchObject({ num_ack_pending: 0 });
    });

    it("are stored by ours and read by the official client, and the other way", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const theirs = await witness();
      await connection
        .publisher()
        .publish({ topic: `${name}.a`, payload: "ours", headers: { x: "1" } }, { messageId: "id-1" });
      await theirs.manager.consumers.add(name, { durable_name: "theirs", ack_policy: "explicit" });
      const message = await (await theirs.client.consumers.get(name, "theirs")).next();
      expect([message?.string(), message?.headers?.get("x"), message?.headers?.get("Nats-Msg-Id")]).toEqual([
        "ours",
        "1",
        "id-1",
      ]);
      message?.ack();
      await theirs.client.publish(`${name}.b`, "theirs");
      const loop = new Loop(await connection.subscribePattern(">", { stream: name, group: "theirs" }));
      const came = await loop.next();
      expect([came.topic, came.text(), came.position]).toEqual([`${name}.b`, "theirs", 2]);
      await came.ack();
    });

    it("refuse what does not meet an expectation, and store an id once", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const publisher = connection.publisher();
      const message = { topic: `${name}.a`, payload: "1" };
      expect(await publisher.publishAcked(message, { messageId: "x", expect: { lastSequence: 0 } })).toEqual({
        stream: name,
        sequence: 1,
        duplicate: false,
      });
      expect((await publisher.publishAcked(message, { messageId: "x" })).duplicate).toBe(true);
      const expectations = [
        { lastSequence: 5 },
        { lastSubjectSequence: 5 },
        { lastMessageId: "y" },
        { stream: "other" },
      ];
      for (const expect_ of expectations) {
        const error = await errorOf(publisher.publish(message, { expect: expect_ }));
        expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
      }
      await publisher.publish(message, {
        expect: { lastSubjectSequence: 1, lastMessageId: "x", stream: name },
      });
    });

    it("start where they are told, and seek", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const topic = `${name}.a`;
      await publish(connection, topic, numbers(3));
      await pause(20);
      const time = new Date();
      await pause(20);
      await publish(connection, topic, numbers(3, 4));
      const first = async (from: JetStreamSubscribeOptions) =>
        (await new Loop(await connection.subscribe(topic, from)).next()).text();
      expect(await first({ from: "start" })).toBe("1");
      expect(await first({ from: "last" })).toBe("6");
      expect(await first({ from: { sequence: 5 } })).toBe("5");
      expect(await first({ from: { time } })).toBe("4");
      for (const options of [{}, { group: "g" }]) {
        const subscriber = await connection.subscribe(topic, { from: "start", ...options });
        const loop = new Loop(subscriber);
        const held = await loop.next();
        await subscriber.seek(4);
        expect((await loop.next()).text()).toBe("4");
        expect((await errorOf(held.ack())).name).toBe("DeliveryRevokedError");
        await subscriber.seek(time);
        expect((await loop.next()).text()).toBe("4");
        await subscriber.seek("start");
        expect((await loop.next()).text()).toBe("1");
        expect((await errorOf(subscriber.seek(100))).name).toBe("PositionUnavailableError");
        await subscriber.close();
      }
    });

    // Acks and pull requests reach the server on separate paths. So with maxInFlight alone, the server may count more for a moment.
    it("are never unsettled beyond maxAckPending, and are all handled", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      await publish(connection, `${name}.a`, numbers(2_000));
      const { manager } = await witness();
      const bounds = { maxInFlight: 16, maxAckPending: 16 };
      const options = { group: "g", from: "start", ...bounds } as const;
      const subscriber = await connection.subscribe(`${name}.a`, options);
      let handled = 0;
      const most: number[] = [];
      const watching = (async () => {
        while (handled < 2_000) most.push((await manager.consumers.info(name, "g")).num_ack_pending);
      })();
      for await (const message of subscriber) {
        if (handled % 100 === 0) await pause(1);
        await message.ack();
        handled += 1;
        if (handled === 2_000) break;
      }
      await watching;
      expect(Math.max(...most)).toBeLessThanOrEqual(16);
      expect(most.length).toBeGreaterThan(3);
    });

    it("go back at once when a subscriber closes, to the others of its group", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const topic = `${name}.a`;
      await publish(connection, topic, numbers(10));
      for (let round = 0; round < 10; round += 1) {
        const subscriber = await connection.subscribe(topic, { group: "g", from: "start" });
        await new Loop(subscriber).take(3);
        await subscriber.close();
      }
      const began = performance.now();
      const loop = new Loop(await connection.subscribe(topic, { group: "g" }));
      const came = await loop.take(10);
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(
        texts(came)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(numbers(10).map(Number));
    });

    it("go by an ack deadline that somebody else has shortened, so that no two members run one message", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const topic = `${name}.a`;
      const { manager } = await witness();
      const member = await connection.subscribe(topic, { group: "g", maxInFlight: 1 });
      await publish(connection, topic, ["1"]);
      const held = await new Loop(member).next();
      await manager.consumers.update(name, "g", { ack_wait: 1e9 });
      const other = await connection.subscribe(topic, { group: "g" });
      expect(other.capabilities.ackDeadlineMs).toBe(1_000);
      const again = await new Loop(other).next();
      await again.ackConfirmed();
      expect([again.text(), again.deliveryCount]).toEqual(["1", 2]);
      // As a pipeline does while its handler is at work.
      await held.keepAlive();
      await until("it is revoked from the first member", () => held.signal.aborted);
      expect(member.capabilities.ackDeadlineMs).toBe(1_000);
      expect((await errorOf(held.ack())).name).toBe("DeliveryRevokedError");
    });

    it("are created on request, and get subjects that are added", async () => {
      const connection = await connect(server, client);
      const name = fresh("made");
      const { manager } = await witness();
      const first = await connection.subscribe(`${name}.a`, { stream: name, create: true, group: "g" });
      await publish(connection, `${name}.a`, ["1"]);
      expect((await new Loop(first).next()).text()).toBe("1");
      const before = (await manager.streams.info(name)).config;
      const more = await errorOf(connection.subscribe(`${name}.b`, { stream: name, create: true }));
      expect(more.message).toContain('create: { update: "add" }');
      await connection.subscribe(`${name}.b`, { stream: name, create: { update: "add" } });
      const after = (await manager.streams.info(name)).config;
      expect(after).toEqual({ ...before, subjects: [`${name}.a`, `${name}.b`] });
      await connection.publisher().checkTopic(`${name}.b`);
      expect(await errorOf(connection.publisher().checkTopic(`${name}.c`))).toMatchObject({
        retryable: false,
      });
    });

    it("leave no consumer of their own behind", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const { manager } = await witness();
      const subscribers = await Promise.all([1, 2].map(() => connection.subscribe(`${name}.a`)));
      expect((await manager.streams.info(name)).state.consumer_count).toBe(2);
      await subscribers[0]?.close();
      await connection.close();
      await until("both are gone", async () => (await manager.streams.info(name)).state.consumer_count === 0);
    });

    it("hold while paused, and what comes back meanwhile is counted right", async () => {
      const connection = await connect(server, client);
      const name = await stream(connection);
      const topic = `${name}.a`;
      const subscriber = await connection.subscribe(topic, { group: "g", from: "start" });
      const loop = new Loop(subscriber);
      const next = loop.next();
      await publish(connection, topic, ["1"]);
      await (await next).ack();
      subscriber.pause();
      await publish(connection, topic, ["2", "3"]);
      const waiting = loop.next();
      const { manager } = await witness();
      await pause(200);
      expect(await manager.consumers.info(name, "g")).toMatchObject({ num_pending: 2, num_ack_pending: 0 });
      subscriber.resume();
      expect((await waiting).text()).toBe("2");
    });

    it("keep a connection that was handed in", async () => {
      const theirs = await connectNatsIo({ servers: server.address });
      onTestFinished(() => theirs.close());
      const { headers } = await import("@nats-io/transport-node");
      const connection = await connect(server, client, { client: { connection: theirs, headers } });
      const name = await stream(connection);
      const loop = new Loop(await connection.subscribe(`${name}.a`));
      await publish(connection, `${name}.a`, ["1"]);
      await (await loop.next()).ackConfirmed();
      await connection.close();
      expect(theirs.isClosed()).toBe(false);
      await theirs.flush();
    });
  });

  it("conflicts and missing things are told apart", async () => {
    const connection = await connect(server, "nats");
    const name = await stream(connection);
    const said = async (promise: Promise<unknown>) => (await errorOf(promise)).message;
    expect(await said(connection.createStream(name, { subjects: ["x"] }))).toContain(
      "settings.subjects must be",
    );
    expect(await said(connection.createStream(fresh("other"), { subjects: [`${name}.a`] }))).toContain(
      `"${name}.a" overlaps with the stream "${name}"`,
    );
    const lacking = connection.subscribe("elsewhere", { stream: name, group: "none" });
    expect(await said(lacking)).toContain(`the stream "${name}" lacks the subject "elsewhere"`);
    expect(await said(connection.subscribe(fresh("nowhere")))).toContain("no stream has the subject");
    expect(await said(connection.subscribe("x", { stream: fresh("none") }))).toContain("there is no stream");
    await connection.subscribe(`${name}.a`, { group: "g", ackDeadlineMs: 5_000 });
    expect(await said(connection.subscribe(`${name}.a`, { group: "g", ackDeadlineMs: 6_000 }))).toContain(
      "options.ackDeadlineMs must be 5000",
    );
    expect(await said(connection.subscribe(`${name}.b`, { group: "g" }))).toContain("The subject must be");
    expect(await said(connection.publisher().publish({ topic: fresh("nowhere"), payload: "" }))).toContain(
      "no stream has the subject",
    );
  });
});
