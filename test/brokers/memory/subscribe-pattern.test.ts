import { InvalidArgumentError } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

describe("a subscription by pattern", () => {
  it("gets every topic that matches, those used later too, in the order of publish", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders.eu", "before");
    const subscriber = await connection.subscribePattern("orders.*", { from: "new" });
    await publish(connection, "orders.eu", "1");
    await publish(connection, "orders.us", "2");
    await publish(connection, "orders", "no");
    await publish(connection, "orders.eu.north", "no");
    await publish(connection, "orders.eu", "3");
    const messages = take(subscriber);
    expect(messages.map((message) => [message.topic, message.text(), message.position])).toEqual([
      ["orders.eu", "1", 2],
      ["orders.us", "2", 1],
      ["orders.eu", "3", 3],
    ]);
    expect(subscriber.topic).toBe("orders.*");
  });

  it("puts a requeued message in its place among all topics", async () => {
    const { connection } = await setUp();
    const subscriber = await connection.subscribePattern(">");
    for (const topic of ["a", "b", "c.d"]) await publish(connection, topic, topic);
    const [a, b, c] = take(subscriber);
    await c?.nack();
    await a?.nack();
    await b?.nack();
    expect(texts(take(subscriber))).toEqual(["a", "b", "c.d"]);
  });

  it("shares within a group and copies across, beside groups of the topic itself", async () => {
    const { connection } = await setUp();
    const one = await connection.subscribePattern("orders.*", { group: "g" });
    const two = await connection.subscribePattern("orders.*", { group: "g" });
    const wide = await connection.subscribePattern("orders.>", { group: "g" });
    const exact = await connection.subscribe("orders.eu", { group: "g" });
    await publish(connection, "orders.eu", "1", "2");
    expect(texts([...take(one, 1), ...take(two)])).toEqual(["1", "2"]);
    expect(texts(take(wide))).toEqual(["1", "2"]);
    expect(texts(take(exact))).toEqual(["1", "2"]);
  });

  it('from "start" reads what the matching topics retain, in the order of publish', async () => {
    const { connection } = await setUp({ topics: { "log.*": { retain: true } } });
    await publish(connection, "log.a", "1");
    await publish(connection, "log.b", "2");
    await publish(connection, "log.a", "3");
    const subscriber = await connection.subscribePattern("log.*", { from: "start" });
    await publish(connection, "log.c", "4");
    expect(texts(take(subscriber))).toEqual(["1", "2", "3", "4"]);
  });

  it("without a group leaves to the next what it has not settled", async () => {
    const { connection, publisher } = await setUp({ topics: { "orders.*": { capacity: { messages: 1 } } } });
    const subscriber = await connection.subscribePattern("orders.*");
    await publish(connection, "orders.eu", "1");
    const waiting = publisher.publish({ topic: "orders.eu", payload: "2" });
    expect(await stateOf(waiting)).toBe("waiting");
    takeOne(subscriber);
    await subscriber.close();
    expect(await stateOf(waiting)).toBe("TIDELANE_PUBLISH_FAILED");
    expect(texts(take(await connection.subscribePattern("orders.*")))).toEqual(["1"]);
  });

  it("is the first that opens for what no subscription of its topics has had", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders.eu", "1");
    await publish(connection, "orders.us", "2");
    await publish(connection, "orders.eu", "3");
    expect(texts(take(await connection.subscribe("orders.us")))).toEqual(["2"]);
    expect(texts(take(await connection.subscribePattern("orders.*")))).toEqual(["1", "3"]);
    expect(texts(take(await connection.subscribePattern("orders.*", { group: "g" })))).toEqual([
      "1",
      "2",
      "3",
    ]);
  });

  it.each(["", "a\nb", ">.a", 5 as unknown as string])("refuses %j", async (pattern) => {
    const { connection } = await setUp();
    await expect(connection.subscribePattern(pattern)).rejects.toThrow(InvalidArgumentError);
  });

  it("refuses options that contradict its group", async () => {
    const { connection } = await setUp();
    await connection.subscribePattern("a.*", { group: "g", maxInFlight: 2 });
    const attempt = connection.subscribePattern("a.*", { group: "g", maxInFlight: 3 });
    await expect(attempt).rejects.toThrow(/must be 2, as the group "g" of "a.\*" has it; received 3/);
  });
});
