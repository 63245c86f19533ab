import type { KafkaConnection } from "tidelane/kafka";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { committed, connect, quick, take, takeOne, texts, topicOf, until, withAdmin } from "./stage.ts";

const { sessionTimeoutMs: _, ...options } = quick;

async function publishAll(connection: KafkaConnection, topic: string, payloads: string[]): Promise<void> {
  for (const payload of payloads) await connection.publisher().publish({ topic, payload });
}

await describeLive("kafka", "transactions of Kafka", (server) => {
  it("show all they published, or none of it", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 3);
    const orders = await connection.subscribe(topic, options);
    const publisher = connection.publisher();
    const failed = publisher.transaction(async (inner) => {
      for (const key of ["a", "b", "c"]) await inner.publish({ topic, key, payload: "never" });
      throw new Error("changed my mind");
    });
    await expect(failed).rejects.toThrow("changed my mind");
    const result = await publisher.transaction(async (inner) => {
      for (const key of ["a", "b", "c"]) await inner.publish({ topic, key, payload: `shown ${key}` });
      return 3;
    });
    expect(result).toBe(3);
    const shown = await take(orders, 3);
    expect(texts(shown).sort()).toEqual(["shown a", "shown b", "shown c"]);
  });

  it("leave holes in the log that the group's offset goes over", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const group = `${topic}-group`;
    const publisher = connection.publisher();
    const orders = await connection.subscribe(topic, { ...options, group });
    for (const payload of ["1", "2", "3"]) {
      await publisher.transaction((inner) => inner.publish({ topic, payload }));
      const aborted = publisher.transaction(async (inner) => {
        await inner.publish({ topic, payload: "never" });
        throw new Error("aborted");
      });
      await expect(aborted).rejects.toThrow("aborted");
    }
    const messages = await take(orders, 3);
    expect(texts(messages)).toEqual(["1", "2", "3"]);
    // One record and one control record of each committed one, two of each aborted one.
    expect(messages.map(({ offset }) => offset)).toEqual([0, 4, 8]);
    for (const message of messages.reverse()) await message.ack();
    const [end] = await withAdmin(server, (admin) => admin.fetchTopicOffsets(topic));
    expect(end?.high).toBe("12");
    await until(
      "the group is at the end",
      async () => ((await committed(server, group, topic))[0] ?? 0) >= 9,
    );
    await publisher.transaction((inner) => inner.publish({ topic, payload: "4" }));
    await (await takeOne(orders)).ack();
    await orders.close();
    await publishAll(connection, topic, ["5"]);
    const again = await connection.subscribe(topic, { ...options, group });
    expect((await takeOne(again)).text()).toBe("5");
  });

  it("settle what they consumed when they commit, and not when they do not", async () => {
    const connection = await connect(server);
    const [from, to] = [await topicOf(server, 1, "from"), await topicOf(server, 1, "to")];
    const group = `${from}-group`;
    await publishAll(connection, from, ["1", "2"]);
    const source = await connection.subscribe(from, { ...options, group });
    const target = await connection.subscribe(to, options);
    const publisher = connection.publisher({ transactionalId: `${from}-doubler` });
    const consumed = await take(source, 2);
    const failing = publisher.transaction(
      async (inner) => {
        await inner.publish({ topic: to, payload: "never" });
        throw new Error("not yet");
      },
      { consumed },
    );
    await expect(failing).rejects.toThrow("not yet");
    expect(await committed(server, group, from)).toEqual([0]);
    expect(consumed.map(({ settled }) => settled)).toEqual([false, false]);
    await publisher.transaction(
      async (inner) => {
        for (const message of consumed) {
          await inner.publish({ topic: to, payload: String(2 * Number(message.text())) });
        }
      },
      { consumed },
    );
    expect(await committed(server, group, from)).toEqual([2]);
    expect(consumed.map(({ settled }) => settled)).toEqual([true, true]);
    await expect(consumed[0]?.ack()).rejects.toMatchObject({ code: "TIDELANE_ALREADY_SETTLED" });
    expect(texts(await take(target, 2))).toEqual(["2", "4"]);
  });

  it("of a name that somebody else has taken over are fenced off", async () => {
    const [one, two] = [await connect(server), await connect(server)];
    const topic = await topicOf(server);
    const orders = await one.subscribe(topic, options);
    const transactionalId = `${topic}-name`;
    const [older, newer] = [one.publisher({ transactionalId }), two.publisher({ transactionalId })];
    const fenced = older.transaction(async (inner) => {
      await inner.publish({ topic, payload: "older" });
      await newer.transaction((other) => other.publish({ topic, payload: "newer" }));
      await inner.publish({ topic, payload: "older" });
    });
    await expect(fenced).rejects.toMatchObject({ code: expect.stringMatching(/^TIDELANE_/) });
    expect((await takeOne(orders)).text()).toBe("newer");
    await older.transaction((inner) => inner.publish({ topic, payload: "back" }));
    expect((await takeOne(orders)).text()).toBe("back");
  });

  it("are taken back by their signal", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    const orders = await connection.subscribe(topic, options);
    const abort = new AbortController();
    const transaction = connection.publisher().transaction(
      async (inner) => {
        await inner.publish({ topic, payload: "never" });
        abort.abort();
        await new Promise(() => {});
      },
      { signal: abort.signal },
    );
    await expect(transaction).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
    await publishAll(connection, topic, ["after"]);
    expect((await takeOne(orders)).text()).toBe("after");
  });
});
