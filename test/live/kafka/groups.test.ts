import { type KafkaSubscriber, kafkaSource } from "tidelane/kafka";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { TcpProxy } from "../tcp-proxy.ts";
import { quickServer } from "./fixture.ts";
import { committed, connect, fresh, quick, take, takeOne, texts, through, topicOf, until } from "./stage.ts";

function ids({ assignment }: KafkaSubscriber): number[] {
  return assignment.map(({ partition }) => partition).sort();
}

await describeLive(
  "kafka",
  "groups of Kafka",
  (server) => {
    it("share the partitions, and a member that leaves hands its own on", async () => {
      const [a, b] = [await connect(server), await connect(server)];
      const topic = await topicOf(server, 4);
      const group = `${topic}-group`;
      const first = await a.subscribe(topic, { ...quick, group });
      expect(ids(first)).toEqual([0, 1, 2, 3]);
      const second = await b.subscribe(topic, { ...quick, group });
      await until("both have two", () => ids(first).length === 2 && ids(second).length === 2);
      expect([...ids(first), ...ids(second)].sort()).toEqual([0, 1, 2, 3]);
      await second.close();
      await until("the first has all again", () => ids(first).length === 4);
    });

    it("drain what is out before partitions move, and revoke the rest, and only of those that move", async () => {
      const [a, b] = [await connect(server), await connect(server)];
      const topic = await topicOf(server, 2);
      const group = `${topic}-group`;
      const publisher = a.publisher();
      for (const partition of [0, 1, 0, 1])
        await publisher.publish({ topic, payload: `${partition}`, partition });
      const first = await a.subscribe(topic, { ...quick, group, drainMs: 1_500 });
      const held = await take(first, 4);
      const joining = b.subscribe(topic, { ...quick, group, drainMs: 1_500 });
      // The second of each partition is settled while the group waits.
      await until("the group rebalances", () => first.assignment.length === 0);
      const early = held.filter(({ offset }) => offset === 0);
      for (const message of held) if (message.offset === 1) await message.ack();
      const second = await joining;
      await until("each has one", () => ids(first).length === 1 && ids(second).length === 1);
      const [moved] = ids(second);
      const revoked = early.find((one) => one.partition === moved);
      const kept = early.find((one) => one.partition !== moved);
      await until("the one that moved is revoked", () => revoked?.signal.aborted === true);
      await expect(revoked?.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      expect(kept?.signal.aborted).toBe(false);
      await kept?.ack();
      const again = await takeOne(second);
      expect(again.position).toEqual(revoked?.position);
      await again.ack();
      await Promise.all([first.close(), second.close()]);
      // What was settled is settled for whoever comes next, the two above the unsettled ones included.
      for (const partition of [0, 1])
        await publisher.publish({ topic, payload: `new ${partition}`, partition });
      const third = await b.subscribe(topic, { ...quick, group });
      expect(texts(await take(third, 2)).sort()).toEqual(["new 0", "new 1"]);
    });

    it("give what a dead member had to others, when its session is over", async () => {
      const { hostname, port } = new URL(`tcp://${server.address}`);
      await using proxy = await TcpProxy.to(hostname, Number(port));
      const dying = await connect(server, { ...through(proxy), requestTimeoutMs: 1_000 });
      const topic = await topicOf(server, 2);
      const group = `${topic}-group`;
      const first = await dying.subscribe(topic, { ...quick, group });
      const b = await connect(server);
      await b.publisher().publish({ topic, payload: "once more", partition: 0 });
      const held = await takeOne(first);
      proxy.stall();
      const second = await b.subscribe(topic, { ...quick, group });
      expect((await takeOne(second)).text()).toBe("once more");
      proxy.resume();
      await until("the dead one hears of it", () => held.signal.aborted);
      await expect(held.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      await until("it is a member again", () => ids(first).length === 1 && ids(second).length === 1);
    });

    it("keep a handler's partitions while it is busy for longer than the session", async () => {
      const [a, b] = [await connect(server), await connect(server)];
      const topic = await topicOf(server);
      const group = `${topic}-group`;
      await b.publisher().publish({ topic, payload: "slow" });
      const first = await a.subscribe(topic, { ...quick, group });
      const held = await takeOne(first);
      const started = performance.now();
      await until("three sessions went by", () => performance.now() - started > 3_000);
      expect(held.signal.aborted).toBe(false);
      await held.ack();
      await until("it is committed", async () => (await committed(server, group, topic))[0] === 1);
    });

    it("read only the partitions they were told to, whoever else has them", async () => {
      const connection = await connect(server);
      const topic = await topicOf(server, 3);
      for (const partition of [0, 1, 2]) {
        await connection.publisher().publish({ topic, payload: `${partition}`, partition });
      }
      const one = await connection.subscribe(topic, { ...quick, partitions: [1] });
      const two = await connection.subscribe(topic, { ...quick, partitions: [1, 2] });
      expect((await takeOne(one)).text()).toBe("1");
      expect(texts(await take(two, 2)).sort()).toEqual(["1", "2"]);
      expect([ids(one), ids(two)]).toEqual([[1], [1, 2]]);
    });

    it("follow a pattern to topics that are created later", async () => {
      const connection = await connect(server);
      const name = fresh("pattern");
      const before = await topicOf(server, 1, `${name}.a`);
      const pattern = new RegExp(`^${name}\\.`);
      const orders = await connection.subscribePattern(pattern, { ...quick, patternRefreshMs: 200 });
      await connection.publisher().publish({ topic: before, payload: "there" });
      const there = await takeOne(orders);
      expect(there.text()).toBe("there");
      await there.ack();
      const later = await topicOf(server, 1, `${name}.b`);
      await connection.publisher().publish({ topic: later, payload: "later" });
      const message = await takeOne(orders);
      expect([message.topic, message.text()]).toEqual([later, "later"]);
    });

    it("begin with what the broker still has, the first time", async () => {
      const connection = await connect(server);
      const topic = await topicOf(server);
      await connection.publisher().publish({ topic, payload: "before the group" });
      const { from: _, ...options } = quick;
      const source = kafkaSource(topic, { ...options, group: `${topic}-group` });
      expect(source.capabilities.backlog).toBe(true);
      const orders = await connection.subscribe(source);
      expect((await takeOne(orders)).text()).toBe("before the group");
    });

    it("begin where they are told to", async () => {
      const connection = await connect(server);
      const topic = await topicOf(server);
      const publisher = connection.publisher();
      const times = [1_000, 2_000, 3_000].map((ms) => 1_700_000_000_000 + ms);
      for (const timestampMs of times)
        await publisher.publish({ topic, payload: `${timestampMs}`, timestampMs });
      const start = await connection.subscribe(topic, { ...quick, from: "start" });
      const timed = await connection.subscribe(topic, { ...quick, from: { timeMs: 1_700_000_001_500 } });
      const latest = await connection.subscribe(topic, { ...quick, from: "new" });
      await publisher.publish({ topic, payload: "new" });
      expect((await takeOne(start)).text()).toBe(`${times[0]}`);
      expect((await takeOne(timed)).text()).toBe(`${times[1]}`);
      expect((await takeOne(latest)).text()).toBe("new");
    });

    it("are moved by a seek, to an offset, a time, the start and the end", async () => {
      const connection = await connect(server);
      const topic = await topicOf(server);
      const publisher = connection.publisher();
      for (const [index, payload] of ["a", "b", "c"].entries()) {
        await publisher.publish({ topic, payload, timestampMs: 1_700_000_000_000 + 1_000 * index });
      }
      const orders = await connection.subscribe(topic, { ...quick, group: `${topic}-group` });
      const [first, second] = await take(orders, 3);
      await orders.seek(second?.position ?? "start");
      await expect(first?.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      expect(texts(await take(orders, 2))).toEqual(["b", "c"]);
      await orders.seek({ timeMs: 1_700_000_001_500 });
      expect((await takeOne(orders)).text()).toBe("c");
      await orders.seek("start");
      expect(texts(await take(orders, 3))).toEqual(["a", "b", "c"]);
      await orders.seek("end");
      await publisher.publish({ topic, payload: "d" });
      expect((await takeOne(orders)).text()).toBe("d");
      await expect(orders.seek({ topic, partition: 0, offset: 99 })).rejects.toMatchObject({
        code: "TIDELANE_POSITION_UNAVAILABLE",
      });
    });
  },
  { own: true, config: quickServer },
);
