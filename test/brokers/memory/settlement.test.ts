import {
  AlreadySettledError,
  DeliveryRevokedError,
  InvalidArgumentError,
  type MemoryMessage,
  settledAtOnce,
} from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, takeOne, texts } from "./support.ts";

async function withMessages(...payloads: string[]) {
  const tools = await setUp();
  const subscriber = await tools.connection.subscribe("orders", { group: "g" });
  await publish(tools.connection, "orders", ...payloads);
  return { ...tools, subscriber };
}

describe("a delivery", () => {
  it("carries what was published, its key, its place and its count", async () => {
    const { connection, publisher } = await setUp();
    const subscriber = await connection.subscribe("orders");
    const payload = Uint8Array.from([0, 255, 128]);
    const headers: [string, string | Uint8Array][] = [
      ["X-Note", "one"],
      ["x-note", "two"],
      ["raw", Uint8Array.from([255])],
    ];
    await publisher.publish({ topic: "orders", payload, headers, key: "k1" });
    await publisher.publish({ topic: "orders", payload: "" });
    const [first, second] = take(subscriber);
    expect(first?.topic).toBe("orders");
    expect(first?.payload).toEqual(payload);
    expect([...(first?.headers ?? [])]).toEqual([...headers, ["partition-key", "k1"]]);
    expect([first?.partitionKey, first?.deliveryCount, first?.position]).toEqual(["k1", 1, 1]);
    expect([second?.partitionKey, second?.payload.length, second?.position]).toEqual([undefined, 0, 2]);
  });
});

describe("ack", () => {
  it("is final", async () => {
    const { subscriber } = await withMessages("a", "b");
    await takeOne(subscriber).ack();
    await takeOne(subscriber).ack();
    await subscriber.close();
    expect(take(subscriber)).toEqual([]);
  });

  it("of a later message leaves an earlier one unsettled", async () => {
    const { connection, subscriber } = await withMessages("a", "b");
    const [, b] = take(subscriber);
    await b?.ack();
    await subscriber.close();
    const next = await connection.subscribe("orders", { group: "g" });
    expect(texts(take(next))).toEqual(["a"]);
  });

  it("makes no promise of its own", async () => {
    const { subscriber } = await withMessages("a");
    expect(takeOne(subscriber).ack()).toBe(settledAtOnce);
  });
});

describe("nack", () => {
  it("puts the message back in its place, before later ones", async () => {
    const { connection, subscriber } = await withMessages("a", "b", "c", "d");
    const [a, b, c] = take(subscriber, 3);
    await c?.nack();
    await a?.nack();
    await publish(connection, "orders", "e");
    await b?.ack();
    expect(texts(take(subscriber))).toEqual(["a", "c", "d", "e"]);
  });

  it("counts every delivery, per group", async () => {
    const { connection, subscriber } = await withMessages();
    const other = await connection.subscribe("orders", { group: "other" });
    await publish(connection, "orders", "a");
    for (const count of [1, 2, 3]) {
      const message = takeOne(subscriber);
      expect(message.deliveryCount).toBe(count);
      await message.nack();
      expect(message.deliveryCount).toBe(count);
    }
    expect(takeOne(other).deliveryCount).toBe(1);
  });

  it("without requeue is final", async () => {
    const { connection, subscriber } = await withMessages("a");
    await takeOne(subscriber).nack({ requeue: false });
    await subscriber.close();
    expect(take(await connection.subscribe("orders", { group: "g" }))).toEqual([]);
  });
});

describe("nackAfter", () => {
  it("brings the message back when the delay is over and never sooner", async () => {
    const { clock, subscriber } = await withMessages("a");
    await takeOne(subscriber).nackAfter(100);
    await clock.advance(99);
    expect(take(subscriber)).toEqual([]);
    await clock.advance(1);
    const again = takeOne(subscriber);
    expect([again.text(), again.deliveryCount]).toEqual(["a", 2]);
  });

  it("lets later messages pass meanwhile, and takes its place when it is back", async () => {
    const { clock, subscriber } = await withMessages("a", "b", "c");
    await takeOne(subscriber).nackAfter(100);
    await takeOne(subscriber).nack();
    await clock.advance(100);
    expect(texts(take(subscriber))).toEqual(["a", "b", "c"]);
  });

  it("wakes a waiting next()", async () => {
    const { clock, subscriber } = await withMessages("a");
    await takeOne(subscriber).nackAfter(100);
    const next = subscriber[Symbol.asyncIterator]().next();
    await clock.advance(100);
    expect((await next).value?.text()).toBe("a");
  });

  it("keeps delays apart with one timer", async () => {
    const { clock, subscriber } = await withMessages("a", "b", "c");
    const [a, b, c] = take(subscriber);
    await a?.nackAfter(300);
    await b?.nackAfter(100.5);
    await c?.nackAfter(200);
    expect(clock.timers).toBe(1);
    await clock.advance(100);
    expect(take(subscriber)).toEqual([]);
    for (const [ms, expected] of [
      [0.5, "b"],
      [99.5, "c"],
      [100, "a"],
    ] as const) {
      await clock.advance(ms);
      expect(texts(take(subscriber))).toEqual([expected]);
    }
  });

  it("of 0 is a requeue at once", async () => {
    const { clock, subscriber } = await withMessages("a");
    await takeOne(subscriber).nackAfter(0);
    expect(texts(take(subscriber))).toEqual(["a"]);
    expect(clock.timers).toBe(0);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "5" as unknown as number])(
    "refuses %s and leaves the message unsettled",
    async (delayMs) => {
      const { subscriber } = await withMessages("a");
      const message = takeOne(subscriber);
      await expect(message.nackAfter(delayMs)).rejects.toThrow(InvalidArgumentError);
      expect(message.settled).toBe(false);
      await message.ack();
      expect(take(subscriber)).toEqual([]);
    },
  );
});

const settles: Record<string, (message: MemoryMessage) => Promise<void>> = {
  ack: (message) => message.ack(),
  nack: (message) => message.nack(),
  drop: (message) => message.nack({ requeue: false }),
  nackAfter: (message) => message.nackAfter(10),
};

describe("settling twice", () => {
  const pairs = Object.keys(settles).flatMap((first) =>
    Object.keys(settles).map((second) => [first, second]),
  );

  it.each(pairs)("%s then %s: the second rejects and changes nothing", async (first = "", second = "") => {
    const observe = async (again: boolean): Promise<[string[], number | undefined]> => {
      const { clock, subscriber } = await withMessages("a");
      const message = takeOne(subscriber);
      await settles[first]?.(message);
      if (again) await expect(settles[second]?.(message)).rejects.toThrow(AlreadySettledError);
      await clock.advance(1000);
      const left = take(subscriber);
      return [texts(left), left[0]?.deliveryCount];
    };
    expect(await observe(true)).toEqual(await observe(false));
  });
});

describe("settling a revoked delivery", () => {
  it.each(Object.keys(settles))("%s rejects, and the one who has it now is not touched", async (settle) => {
    const { connection, subscriber } = await withMessages("a");
    const revoked = takeOne(subscriber);
    const signal = revoked.signal;
    await subscriber.close();
    expect(signal.aborted).toBe(true);
    const second = await connection.subscribe("orders", { group: "g" });
    const current = takeOne(second);
    await expect(settles[settle]?.(revoked)).rejects.toThrow(DeliveryRevokedError);
    expect(revoked.settled).toBe(false);
    expect(current.signal.aborted).toBe(false);
    await current.ack();
    await second.close();
    expect(take(await connection.subscribe("orders", { group: "g" }))).toEqual([]);
  });
});
