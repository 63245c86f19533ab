import {
  AbortedError,
  InvalidArgumentError,
  InvalidMessageError,
  type MemoryConnection,
  type MemoryMessage,
  SettleUnsupportedError,
  TimeoutError,
} from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, stateOf, take, takeOne, texts } from "./support.ts";

async function answer(connection: MemoryConnection, request: MemoryMessage, payload: string): Promise<void> {
  const topic = request.headers.get("reply-to") ?? "";
  await connection.publisher().publish({ topic, payload, headers: { "x-answer": "yes" }, key: "k" });
}

async function open() {
  const tools = await setUp();
  const service = await tools.connection.subscribe("prices", { group: "g" });
  const ask = (payload: string, timeoutMs = 100, signal?: AbortSignal) =>
    tools.publisher.request(
      { topic: "prices", payload, key: "apple" },
      signal === undefined ? { timeoutMs } : { timeoutMs, signal },
    );
  return { ...tools, service, ask };
}

describe("a request", () => {
  it("resolves with the reply, and leaves no timer", async () => {
    const { clock, connection, service, ask } = await open();
    const asked = ask("apple?");
    const request = takeOne(service);
    expect([request.text(), request.partitionKey]).toEqual(["apple?", "apple"]);
    await answer(connection, request, "3");
    const reply = await asked;
    expect([reply.text(), reply.headers.get("X-Answer"), reply.partitionKey]).toEqual(["3", "yes", "k"]);
    expect(reply.topic).toBe(request.headers.get("reply-to"));
    expect(clock.timers).toBe(0);
  });

  it("gets its own reply, many at once and answered in another order", async () => {
    const { connection, service, ask } = await open();
    const names = Array.from({ length: 50 }, (_, index) => `q${index}`);
    const asked = names.map((name) => ask(name));
    for (const request of take(service).reverse()) {
      await answer(connection, request, `re ${request.text()}`);
      await request.ack();
    }
    const replies = await Promise.all(asked);
    expect(replies.map((reply) => reply.text())).toEqual(names.map((name) => `re ${name}`));
  });

  it("takes the first reply and drops others and late ones", async () => {
    const { clock, connection, service, ask } = await open();
    const first = ask("one");
    const one = takeOne(service);
    for (const payload of ["a", "b"]) await answer(connection, one, payload);
    expect((await first).text()).toBe("a");
    const second = ask("two", 10);
    const two = takeOne(service);
    const rejected = expect(second).rejects.toThrow(TimeoutError);
    await clock.advance(10);
    await rejected;
    const third = ask("three");
    await answer(connection, two, "late");
    expect(await stateOf(third)).toBe("waiting");
    await answer(connection, takeOne(service), "c");
    expect((await third).text()).toBe("c");
  });

  it("rejects when no reply came in time, not sooner", async () => {
    const { clock, ask } = await open();
    const asked = ask("apple?", 50);
    const outcome = asked.catch((error: unknown) => error);
    await clock.advance(49);
    expect(await stateOf(outcome)).toBe("waiting");
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: "TIDELANE_TIMEOUT", timeoutMs: 50, retryable: true });
  });

  it("rejects by its signal, before, during and not after", async () => {
    const { clock, connection, service, ask } = await open();
    await expect(ask("x", 100, AbortSignal.abort())).rejects.toThrow(AbortedError);
    expect(take(service)).toEqual([]);
    const controller = new AbortController();
    const during = ask("y", 100, controller.signal);
    const rejected = expect(during).rejects.toThrow(AbortedError);
    controller.abort();
    await rejected;
    expect(clock.timers).toBe(0);
    takeOne(service);
    const later = new AbortController();
    const answered = ask("z", 100, later.signal);
    await answer(connection, takeOne(service), "fine");
    later.abort();
    expect((await answered).text()).toBe("fine");
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number])(
    "refuses a timeout of %s and sends nothing",
    async (timeoutMs) => {
      const { service, publisher } = await open();
      const asked = publisher.request({ topic: "prices", payload: "" }, { timeoutMs });
      await expect(asked).rejects.toThrow(InvalidArgumentError);
      expect(take(service)).toEqual([]);
    },
  );

  it("refuses what cannot be sent, and leaves nothing behind", async () => {
    const { clock, publisher } = await open();
    const wildcard = publisher.request({ topic: "prices.*", payload: "" }, { timeoutMs: 10 });
    await expect(wildcard).rejects.toThrow(InvalidMessageError);
    const headers = { "Reply-To": "elsewhere" };
    const own = publisher.request({ topic: "prices", payload: "", headers }, { timeoutMs: 10 });
    await expect(own).rejects.toThrow(/sets its "reply-to" header itself/);
    expect(clock.timers).toBe(0);
  });

  it("that times out while it waits for room is never sent", async () => {
    const { clock, connection, publisher } = await setUp({ topics: { full: { capacity: { messages: 1 } } } });
    const service = await connection.subscribe("full");
    await publish(connection, "full", "a");
    const asked = publisher.request({ topic: "full", payload: "?" }, { timeoutMs: 10 });
    const rejected = expect(asked).rejects.toThrow(TimeoutError);
    await clock.advance(10);
    await rejected;
    await takeOne(service).ack();
    await publish(connection, "full", "b");
    expect(texts(take(service))).toEqual(["b"]);
  });
});

describe("publishes and requests of one publisher", () => {
  it("reach a topic in the order of the calls, also when they wait for room", async () => {
    const { connection, publisher } = await setUp({ topics: { prices: { capacity: { messages: 1 } } } });
    const service = await connection.subscribe("prices", { group: "g" });
    const send = (payload: string) => publisher.publish({ topic: "prices", payload });
    const ask = (payload: string) => publisher.request({ topic: "prices", payload }, { timeoutMs: 100 });
    const calls = [send("1"), ask("2"), send("3"), ask("4"), send("5")];
    const seen: string[] = [];
    for await (const message of service) {
      seen.push(message.text());
      if (message.headers.has("reply-to")) await answer(connection, message, "yes");
      await message.ack();
      if (seen.length === calls.length) break;
    }
    await Promise.all(calls);
    expect(seen).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("wait for their own topic only: who works a full topic off can publish to another", async () => {
    const { connection, publisher } = await setUp({ topics: { orders: { capacity: { messages: 1 } } } });
    const orders = await connection.subscribe("orders", { group: "g" });
    await publish(connection, "orders", "a");
    const waiting = publisher.publish({ topic: "orders", payload: "b" });
    await publish(connection, "done", "a");
    await takeOne(orders).ack();
    await waiting;
  });
});

describe("a reply", () => {
  it("has nothing to settle: ack and drop resolve, a requeue is refused", async () => {
    const { connection, service, ask } = await open();
    const replies = [];
    for (const payload of ["a", "b", "c"]) {
      const asked = ask("?");
      await answer(connection, takeOne(service), payload);
      replies.push(await asked);
    }
    const [a, b, c] = replies;
    await expect(a?.ack()).resolves.toBeUndefined();
    await expect(a?.ack()).rejects.toMatchObject({ code: "TIDELANE_ALREADY_SETTLED" });
    await expect(b?.nack({ requeue: false })).resolves.toBeUndefined();
    await expect(c?.nack()).rejects.toThrow(SettleUnsupportedError);
    await expect(c?.nackAfter(5)).rejects.toThrow(SettleUnsupportedError);
    await expect(c?.ack()).resolves.toBeUndefined();
  });

  it("reaches no subscription by pattern", async () => {
    const { connection, service, ask } = await open();
    const all = await connection.subscribePattern(">");
    const asked = ask("?");
    await answer(connection, takeOne(service), "a");
    await asked;
    expect(texts(take(all))).toEqual(["?"]);
  });
});
