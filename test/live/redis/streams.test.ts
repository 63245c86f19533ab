import { headerNames } from "tidelane";
import { type RedisStart, redisSource } from "tidelane/redis";
import { describe, expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { command, connect, errorOf, fresh, Loop, numbers, publish, texts, until } from "./stage.ts";

await describeLive("redis", "streams of Redis", (server) => {
  describe("the layout of an entry", () => {
    it("is the payload and then each header, as other programs see it", async () => {
      const connection = await connect(server);
      const topic = fresh("layout");
      const id = await connection.publisher().add({
        topic,
        payload: new Uint8Array([0, 255, 10]),
        key: "ann",
        headers: [
          ["a", "1"],
          ["a", new Uint8Array([200, 1])],
          ["payload", "2"],
        ],
      });
      const [[, fields]] = (await command(server, "XRANGE", topic, "-", "+")) as [[string, string[]]];
      expect(fields.filter((_, index) => index % 2 === 0)).toEqual([
        "payload",
        "a",
        "a",
        "payload",
        "partition-key",
      ]);
      const loop = new Loop(await connection.subscribe(topic, { group: "g", from: "start" }));
      const message = await loop.next();
      expect([...message.payload]).toEqual([0, 255, 10]);
      expect([...message.headers]).toEqual([
        ["a", "1"],
        ["a", new Uint8Array([200, 1])],
        ["payload", "2"],
        ["partition-key", "ann"],
      ]);
      expect(message.position).toBe(id);
    });

    it("of another program is read: fields are headers, and a payload may be missing", async () => {
      const connection = await connect(server);
      const topic = fresh("foreign");
      await command(server, "XADD", topic, "*", "kind", "tea", "payload", "hot", "partition-key", "bo");
      await command(server, "XADD", topic, "*", "kind", "coffee");
      const loop = new Loop(await connection.subscribe(topic, { group: "g" }));
      const [tea, coffee] = await loop.take(2);
      expect([tea?.text(), tea?.headers.get("kind"), tea?.partitionKey]).toEqual(["hot", "tea", "bo"]);
      expect([coffee?.text(), coffee?.headers.get("kind")]).toEqual(["", "coffee"]);
    });
  });

  describe("where a group starts", () => {
    it.each<[string, (ids: string[]) => RedisStart, string[]]>([
      ["start", () => "start", ["1", "2", "3", "4"]],
      ["new", () => "new", ["4"]],
      ["after an entry", ([, second = ""]: string[]) => ({ after: second }), ["3", "4"]],
      [
        "at a moment",
        ([first = ""]: string[]) => new Date(Number(first.split("-")[0])),
        ["1", "2", "3", "4"],
      ],
    ])("%s", async (_, from, expected) => {
      const connection = await connect(server);
      const publisher = connection.publisher();
      const topic = fresh("from");
      const ids: string[] = [];
      for (const payload of numbers(3)) ids.push((await publisher.add({ topic, payload })) ?? "");
      const subscriber = await connection.subscribe(redisSource(topic, { group: "g", from: from(ids) }));
      await publisher.publish({ topic, payload: "4" });
      expect(texts(await new Loop(subscriber).take(expected.length))).toEqual(expected);
    });

    it("a stream or a group that must be there and is not is an error that names it", async () => {
      const connection = await connect(server);
      const topic = fresh("missing");
      const options = { group: "g", create: false } as const;
      expect((await errorOf(connection.subscribe(topic, options))).message).toMatch(
        `there is no stream "${topic}"; create it first, or subscribe with create: true`,
      );
      await publish(connection, topic, ["1"]);
      expect((await errorOf(connection.subscribe(topic, options))).message).toMatch(`has no group "g"`);
      await command(server, "XGROUP", "CREATE", topic, "g", "0");
      expect((await new Loop(await connection.subscribe(topic, options)).next()).text()).toBe("1");
    });

    it("a key that is no stream is refused, by name", async () => {
      const connection = await connect(server);
      const topic = fresh("string");
      await command(server, "SET", topic, "x");
      const reason = `the key "${topic}" holds something else than a stream`;
      expect((await errorOf(connection.subscribe(topic, { group: "g" }))).message).toMatch(reason);
      const publisher = connection.publisher();
      expect((await errorOf(publisher.publish({ topic, payload: "" }))).message).toMatch(reason);
      expect((await errorOf(publisher.checkTopic(topic))).message).toMatch(reason);
      const other = fresh("other");
      const transaction = publisher.transaction(async (inner) => {
        await inner.publish({ topic: other, payload: "" });
        await inner.publish({ topic, payload: "" });
      });
      expect((await errorOf(transaction)).name).toBe("TransactionError");
      expect(await command(server, "EXISTS", other)).toBe(0);
    });
  });

  describe("requeues", () => {
    it("come to another member when the one that had them leaves, with their counts", async () => {
      const connection = await connect(server);
      const topic = fresh("leaves");
      const options = { group: "g", recoverEveryMs: 50, prefetch: 1 } as const;
      await publish(connection, topic, numbers(3));
      const leaving = await connection.subscribe(topic, options);
      await new Loop(leaving).take(2);
      await leaving.close();
      const came = await new Loop(await connection.subscribe(topic, options)).take(3);
      expect(texts(came)).toEqual(numbers(3));
      // The third had come, and nobody was handed it.
      expect(came.map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2, 1]);
      const consumers = (await command(server, "XINFO", "CONSUMERS", topic, "g")) as unknown[];
      expect(consumers).toHaveLength(2);
    });

    it("with a delay keep it over the end of the process that asked for it", async () => {
      const topic = fresh("delay");
      const options = { group: "g", recoverEveryMs: 20 } as const;
      const first = await connect(server);
      await publish(first, topic, ["1"]);
      const held = await new Loop(await first.subscribe(topic, options)).next();
      const asked = performance.now();
      await held.nackAfter(400);
      await first.close();
      const second = await connect(server);
      const again = await new Loop(await second.subscribe(topic, options)).next();
      expect(performance.now() - asked).toBeGreaterThan(395);
      expect(again.deliveryCount).toBe(2);
    });
  });

  it("a seek takes what other members hold, also while they read nothing", async () => {
    const connection = await connect(server);
    const topic = fresh("seek");
    const options = { group: "g", recoverEveryMs: 50, maxInFlight: 2 } as const;
    await publish(connection, topic, numbers(4));
    const idle = await connection.subscribe(topic, options);
    const held = await new Loop(idle).take(2);
    const moving = await connection.subscribe(topic, options);
    const own = await new Loop(moving).take(2);
    await moving.seek(held[0]?.position ?? "");
    expect(own.every(({ signal }) => signal.aborted)).toBe(true);
    await until("the other notices", () => held.every(({ signal }) => signal.aborted), 5_000);
    expect((await errorOf(moving.seek("9999999999999-0"))).name).toBe("PositionUnavailableError");
  });

  it("dead letters say why, from where and after how many deliveries", async () => {
    const connection = await connect(server);
    const topic = fresh("spent");
    const dead = `${topic}-dead`;
    const letters = new Loop(await connection.subscribe(dead, { group: "g" }));
    const deadLetter = { topic: dead, maxDeliveries: 2 };
    const loop = new Loop(await connection.subscribe(topic, { group: "g", deadLetter }));
    await connection.publisher().publish({ topic, payload: "1", key: "ann" });
    await (await loop.next()).nack();
    await (await loop.next()).nack();
    const spent = await letters.next();
    expect(spent.headers.get(headerNames.deadLetterReason)).toBe("it was delivered 2 times");
    expect(spent.headers.get(headerNames.deadLetterSource)).toBe(topic);
    expect(spent.headers.get(headerNames.deadLetterAttempts)).toBe("2");
    expect([spent.text(), spent.partitionKey]).toEqual(["1", "ann"]);
    await publish(connection, topic, ["2"]);
    await (await loop.next()).nack({ requeue: false });
    expect((await letters.next()).headers.get(headerNames.deadLetterReason)).toBe("it was dropped");
  });

  it("a stream is trimmed where that is asked for, and only there", async () => {
    const connection = await connect(server);
    const topic = fresh("trim");
    await publish(connection, topic, numbers(20));
    expect(await command(server, "XLEN", topic)).toBe(20);
    await connection.publisher({ trim: { maxLength: 5, exact: true } }).publish({ topic, payload: "21" });
    expect(await command(server, "XLEN", topic)).toBe(5);
    const last = await connection.publisher().add({ topic, payload: "22" });
    const trim = { minId: () => last ?? "", exact: true };
    await connection.publisher({ trim }).publish({ topic, payload: "23" });
    expect(await command(server, "XLEN", topic)).toBe(2);
  });

  it("leaves nothing behind: neither a group of its own nor a stream of replies", async () => {
    const connection = await connect(server);
    const topic = fresh("tidy");
    const subscriber = await connection.subscribe(topic);
    const loop = new Loop(subscriber);
    const answer = connection.publisher().request({ topic, payload: "?" }, { timeoutMs: 5_000 });
    const question = await loop.next();
    const replyTo = question.headers.get("reply-to") ?? "";
    await connection.publisher().publish({ topic: replyTo, payload: "!" });
    expect((await answer).text()).toBe("!");
    const [stream = ""] = replyTo.split("#");
    expect(await command(server, "EXISTS", stream)).toBe(1);
    expect(await command(server, "PTTL", stream)).toBeGreaterThan(0);
    await subscriber.close();
    expect(await command(server, "XINFO", "GROUPS", topic)).toEqual([]);
    const late = await connect(server);
    await connection.close();
    expect(await command(server, "EXISTS", stream)).toBe(0);
    await late.publisher().publish({ topic: replyTo, payload: "late" });
    expect(await command(server, "EXISTS", stream)).toBe(0);
  });
});
