import {
  AbortedError,
  InvalidArgumentError,
  InvalidMessageError,
  type Publisher,
  TransactionError,
} from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

async function open(topics: Record<string, { capacity: { messages: number } }> = {}) {
  const tools = await setUp({ topics });
  const orders = await tools.connection.subscribe("orders", { group: "g" });
  const bills = await tools.connection.subscribe("bills", { group: "g" });
  return { ...tools, orders, bills };
}

describe("a transaction", () => {
  it("shows nothing before it commits, then everything, in order, with the result", async () => {
    const { connection, publisher, orders, bills } = await open();
    const all = await connection.subscribePattern(">");
    const result = await publisher.transaction(async (inner) => {
      await inner.publish({ topic: "orders", payload: "1" });
      await inner.publish({ topic: "bills", payload: "2" });
      await publish(connection, "orders", "outside");
      await inner.publish({ topic: "orders", payload: "3" });
      expect(texts(take(all))).toEqual(["outside"]);
      return 42;
    });
    expect(result).toBe(42);
    expect(texts(take(orders))).toEqual(["outside", "1", "3"]);
    expect(texts(take(bills))).toEqual(["2"]);
    expect(texts(take(all))).toEqual(["1", "2", "3"]);
  });

  it("includes a publish that the work did not await", async () => {
    const { publisher, orders } = await open();
    await publisher.transaction(async (inner) => {
      void inner.publish({ topic: "orders", payload: "1" });
    });
    expect(texts(take(orders))).toEqual(["1"]);
  });

  it("shows nothing when the work throws, and rejects with that error", async () => {
    const { publisher, orders } = await open();
    const failure = new Error("no stock");
    const attempt = publisher.transaction(async (inner) => {
      await inner.publish({ topic: "orders", payload: "1" });
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    const thrown = publisher.transaction(() => {
      throw failure;
    });
    await expect(thrown).rejects.toBe(failure);
    expect(take(orders)).toEqual([]);
  });

  it("refuses what cannot be sent, when it is published", async () => {
    const { publisher, orders } = await open();
    const attempt = publisher.transaction(async (inner) => {
      await inner.publish({ topic: "orders", payload: "1" });
      await inner.publish({ topic: "orders.*", payload: "2" });
    });
    await expect(attempt).rejects.toThrow(InvalidMessageError);
    expect(take(orders)).toEqual([]);
  });

  it.each([undefined, 5, {}])("refuses %s as its work", async (work) => {
    const { publisher } = await open();
    const attempt = publisher.transaction(work as unknown as () => Promise<void>);
    await expect(attempt).rejects.toThrow(InvalidArgumentError);
  });
});

describe("the publisher of a transaction", () => {
  it("rejects once it is over, committed or not", async () => {
    const { publisher, orders } = await open();
    const kept: Publisher[] = [];
    await publisher.transaction(async (inner) => void kept.push(inner));
    await publisher
      .transaction(async (inner) => {
        kept.push(inner);
        throw new Error("no");
      })
      .catch(() => {});
    expect(kept).toHaveLength(2);
    for (const inner of kept) {
      await expect(inner.publish({ topic: "orders", payload: "late" })).rejects.toThrow(TransactionError);
    }
    expect(take(orders)).toEqual([]);
  });

  it("claims neither transactions nor requests", async () => {
    const { publisher } = await open();
    await publisher.transaction(async (inner) => {
      expect(inner.capabilities).toEqual({
        ...publisher.capabilities,
        transactions: false,
        requestReply: false,
      });
      expect("request" in inner).toBe(false);
    });
  });

  it("takes a signal for one message", async () => {
    const { publisher, orders } = await open();
    const signal = AbortSignal.abort();
    await publisher.transaction(async (inner) => {
      await expect(inner.publish({ topic: "orders", payload: "1" }, { signal })).rejects.toThrow(
        AbortedError,
      );
      await inner.publish({ topic: "orders", payload: "2" });
    });
    expect(texts(take(orders))).toEqual(["2"]);
  });
});

describe("a transaction that is cut off", () => {
  it("rejects promptly by its signal, with the work still going on, and shows nothing", async () => {
    const { publisher, orders } = await open();
    const controller = new AbortController();
    let finish: (() => void) | undefined;
    let late: Promise<void> | undefined;
    const attempt = publisher.transaction(
      async (inner) => {
        await inner.publish({ topic: "orders", payload: "1" });
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        late = inner.publish({ topic: "orders", payload: "2" });
        await late;
      },
      { signal: controller.signal },
    );
    expect(await stateOf(attempt)).toBe("waiting");
    controller.abort();
    await expect(attempt).rejects.toThrow(AbortedError);
    finish?.();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(late).rejects.toThrow(TransactionError);
    expect(take(orders)).toEqual([]);
  });

  it("rejects with its connection, and so does its publisher", async () => {
    const { broker, orders } = await open();
    const second = await broker.connect();
    let kept: Publisher | undefined;
    const attempt = second.publisher().transaction(async (inner) => {
      kept = inner;
      await inner.publish({ topic: "orders", payload: "1" });
      second.kill();
    });
    await expect(attempt).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    const late = kept?.publish({ topic: "orders", payload: "2" });
    await expect(late).rejects.toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    expect(take(orders)).toEqual([]);
  });
});

describe("a transaction over full topics", () => {
  it("waits until each has room, and is visible in all of them at once", async () => {
    const full = { capacity: { messages: 1 } };
    const { connection, publisher, orders, bills } = await open({ orders: full, bills: full });
    await publish(connection, "orders", "o");
    await publish(connection, "bills", "b");
    const attempt = publisher.transaction(async (inner) => {
      for (const topic of ["orders", "bills", "orders"]) await inner.publish({ topic, payload: "t" });
    });
    expect(await stateOf(attempt)).toBe("waiting");
    await takeOne(orders).ack();
    expect(await stateOf(attempt)).toBe("waiting");
    expect(take(orders)).toEqual([]);
    await takeOne(bills).ack();
    await attempt;
    expect([texts(take(orders)), texts(take(bills))]).toEqual([["t", "t"], ["t"]]);
  });

  it("takes nothing more while it waits", async () => {
    const { connection, publisher, orders } = await open({ orders: { capacity: { messages: 1 } } });
    await publish(connection, "orders", "o");
    let kept: Publisher | undefined;
    const attempt = publisher.transaction(async (inner) => {
      kept = inner;
      await inner.publish({ topic: "orders", payload: "t" });
    });
    expect(await stateOf(attempt)).toBe("waiting");
    await expect(kept?.publish({ topic: "orders", payload: "late" })).rejects.toMatchObject({
      code: "TIDELANE_TRANSACTION",
      outcome: "over",
    });
    await takeOne(orders).ack();
    await attempt;
    expect(texts(take(orders))).toEqual(["t"]);
  });

  it("sends nothing when it is aborted while it waits", async () => {
    const { connection, publisher, orders } = await open({ orders: { capacity: { messages: 1 } } });
    await publish(connection, "orders", "o");
    const controller = new AbortController();
    const attempt = publisher.transaction((inner) => inner.publish({ topic: "orders", payload: "t" }), {
      signal: controller.signal,
    });
    expect(await stateOf(attempt)).toBe("waiting");
    controller.abort();
    await expect(attempt).rejects.toThrow(AbortedError);
    await takeOne(orders).ack();
    await publish(connection, "orders", "sentinel");
    expect(texts(take(orders))).toEqual(["sentinel"]);
  });
});
