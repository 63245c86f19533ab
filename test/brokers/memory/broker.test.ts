import { AbortedError, InvalidArgumentError, MemoryBroker, systemClock } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, texts } from "./support.ts";

describe("connecting", () => {
  it("gives a connection of its own each time, over the same topics", async () => {
    const { broker, connection } = await setUp();
    const second = await broker.connect();
    expect(second).not.toBe(connection);
    const subscriber = await second.subscribe("orders");
    await publish(connection, "orders", "a");
    await connection.close();
    expect(second.state).toBe("open");
    expect(texts(take(subscriber))).toEqual(["a"]);
  });

  it("shares nothing with another broker", async () => {
    const [one, other] = [await setUp(), await setUp()];
    const subscriber = await one.connection.subscribe("orders");
    await publish(other.connection, "orders", "a");
    expect(take(subscriber)).toEqual([]);
  });

  it("rejects by a signal that has fired, and by one that fires during the call", async () => {
    const broker = new MemoryBroker();
    const reason = new Error("enough");
    const before = broker.connect({ signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toMatchObject({ code: "TIDELANE_ABORTED", cause: reason });
    const controller = new AbortController();
    const during = broker.connect({ signal: controller.signal });
    controller.abort();
    await expect(during).rejects.toThrow(AbortedError);
  });

  it("says where it leads, on the system's clock too", async () => {
    const connection = await new MemoryBroker({ clock: systemClock }).connect();
    expect(connection.describe()).toEqual({ protocol: "memory", address: "in process" });
    expect(connection.state).toBe("open");
  });
});

describe("the options of a broker", () => {
  it("name it in errors", async () => {
    const broker = new MemoryBroker({ name: "shop" });
    expect(broker.name).toBe("shop");
    const connection = await broker.connect();
    await connection.close();
    await expect(connection.subscribe("orders")).rejects.toThrow('the connection to "shop" is closed');
  });

  it.each([
    [{ name: "" }, "options.name"],
    [{ maxPayloadBytes: -1 }, "options.maxPayloadBytes"],
    [{ maxPayloadBytes: Number.NaN }, "options.maxPayloadBytes"],
    [{ topics: { a: { capacity: { messages: 0 } } } }, 'options.topics["a"].capacity.messages'],
    [{ topics: { a: { capacity: { bytes: 1.5 } } } }, 'options.topics["a"].capacity.bytes'],
    [{ topics: { a: { retain: { messages: -1 } } } }, 'options.topics["a"].retain.messages'],
    [{ topics: { a: { retain: { bytes: Number.NaN } } } }, 'options.topics["a"].retain.bytes'],
    [{ topics: { a: { retain: { ageMs: 0 } } } }, 'options.topics["a"].retain.ageMs'],
    [{ topics: { a: { retain: false as unknown as true } } }, 'options.topics["a"].retain'],
    [{ topics: { "a.>.b": {} } }, 'options.topics["a.>.b"]'],
    [{ topics: { "": {} } }, "options.topics"],
  ])("are refused by name: %j", (options, argument) => {
    expect(() => new MemoryBroker(options)).toThrow(InvalidArgumentError);
    expect(() => new MemoryBroker(options)).toThrow(argument);
  });

  it("apply to a topic by its name first, then by the first pattern that matches", async () => {
    const topics = {
      "log.*": { retain: { messages: 2 } },
      "log.all": { retain: true as const },
      "log.>": { retain: { messages: 1 } },
    };
    const { connection } = await setUp({ topics });
    for (const topic of ["log.all", "log.a", "log.a.b"]) {
      await publish(connection, topic, "1", "2", "3");
    }
    const read = async (topic: string): Promise<string[]> =>
      texts(take(await connection.subscribe(topic, { from: "start" })));
    expect(await read("log.all")).toEqual(["1", "2", "3"]);
    expect(await read("log.a")).toEqual(["2", "3"]);
    expect(await read("log.a.b")).toEqual(["3"]);
  });
});
