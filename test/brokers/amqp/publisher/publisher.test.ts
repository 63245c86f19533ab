import { describe, expect, it } from "vitest";
import { serverError } from "../fake/fake-channel.ts";
import { open, publish, setUp, stateOf, take, texts } from "../support.ts";

const failed = { code: "TIDELANE_PUBLISH_FAILED" };

describe("publish", () => {
  it("carries what the options say: persistent by default, priority, expiration", async () => {
    const { clock, connection } = await setUp({ publish: { priority: 3 } });
    const orders = await open(connection, "orders");
    await connection.publisher().publish({ topic: "orders", payload: "a" });
    await connection
      .publisher({ persistent: false, priority: 1 })
      .publish({ topic: "orders", payload: "b" }, { priority: 9, expirationMs: 60_000 });
    const [first, second] = await take(orders, clock);
    expect(first?.properties).toMatchObject({ deliveryMode: 2, priority: 3 });
    expect(first?.properties.expiration).toBeUndefined();
    expect(second?.properties).toMatchObject({ deliveryMode: 1, priority: 9, expiration: "60000" });
  });

  it("goes to the exchange of its publisher, with the topic as routing key", async () => {
    const topology = {
      exchanges: [{ name: "events", type: "topic" }],
      queues: [{ name: "orders" }],
      bindings: [{ exchange: "events", queue: "orders", routingKey: "order.*" }],
    };
    const { clock, connection } = await setUp({ topology });
    const publisher = connection.publisher({ exchange: "events" });
    await publisher.publish({ topic: "order.placed", payload: "a" });
    expect(await take(await connection.subscribe("orders"), clock)).toMatchObject([
      { topic: "order.placed", exchange: "events" },
    ]);
    await expect(publisher.publish({ topic: "invoice", payload: "b" })).rejects.toThrow(
      /no queue is bound to the exchange "events" for the routing key "invoice"/,
    );
  });

  it("that no queue takes rejects, unless it may be lost", async () => {
    const { connection } = await setUp();
    const outcome = connection.publisher().publish({ topic: "nowhere", payload: "a" });
    await expect(outcome).rejects.toMatchObject({ ...failed, retryable: false, topic: "nowhere" });
    await expect(
      connection.publisher({ mandatory: false }).publish({ topic: "nowhere", payload: "a" }),
    ).resolves.toBeUndefined();
    await connection.publisher().publish({ topic: "nowhere", payload: "a" }, { mandatory: false });
  });

  it("rejects those and only those that came back, however alike they are", async () => {
    const { connection, rabbit } = await setUp();
    await open(connection, "orders");
    const publisher = connection.publisher();
    const contents = [
      { payload: "same" },
      { payload: "same", headers: { a: "1" } },
      { payload: "same", headers: { a: "2" } },
      { payload: "same", headers: [["a", new Uint8Array([50])]] as const },
      { payload: "same", headers: { "message-id": "1" } },
      { payload: "other" },
      { payload: "same" },
    ];
    const route = rabbit.route.bind(rabbit);
    let count = 0;
    rabbit.route = (entry) => {
      count += 1;
      return [2, 4, 5, 7].includes(count) ? "nowhere" : route(entry);
    };
    const outcomes = await Promise.allSettled(
      contents.map((content) => publisher.publish({ topic: "orders", ...content })),
    );
    // Of the two that are the same in everything one was returned; which one, nobody can tell.
    expect(outcomes.slice(1, 6).map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect([outcomes[0]?.status, outcomes[6]?.status].sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("knows a message that came back also when its caller has given up", async () => {
    const { connection, rabbit } = await setUp();
    await open(connection, "orders");
    const abort = new AbortController();
    const route = rabbit.route.bind(rabbit);
    let count = 0;
    rabbit.route = (entry) => {
      count += 1;
      return count === 1 ? "nowhere" : route(entry);
    };
    const publisher = connection.publisher();
    await publish(connection, "orders").catch(() => {});
    await publisher.publish({ topic: "orders", payload: "first" }).catch(() => {});
    rabbit.silent = true;
    count = 0;
    const given = publisher.publish({ topic: "orders", payload: "x" }, { signal: abort.signal });
    const outcome = given.catch((error: unknown) => error);
    const kept = publisher.publish({ topic: "orders", payload: "x" });
    abort.abort();
    rabbit.speak();
    expect(await outcome).toMatchObject({ code: "TIDELANE_ABORTED" });
    await expect(kept).resolves.toBeUndefined();
  });

  it("that a full queue refuses rejects, and may be tried again", async () => {
    const { connection } = await setUp();
    const create = { maxLength: 1 };
    await (await open(connection, "orders", { create })).close();
    await publish(connection, "orders", "a");
    const outcome = connection.publisher().publish({ topic: "orders", payload: "b" });
    await expect(outcome).rejects.toMatchObject({ ...failed, retryable: true });
  });

  it("to an exchange that does not exist rejects, and costs no other exchange", async () => {
    const { connection } = await setUp();
    await open(connection, "orders");
    const wrong = connection.publisher({ exchange: "nope" });
    const right = connection.publisher();
    const outcomes = await Promise.allSettled([
      wrong.publish({ topic: "orders", payload: "a" }),
      right.publish({ topic: "orders", payload: "b" }),
      wrong.publish({ topic: "orders", payload: "c" }),
    ]);
    expect(outcomes).toMatchObject([
      { reason: { ...failed, retryable: false, message: expect.stringContaining('"nope" does not exist') } },
      { status: "fulfilled" },
      { reason: { ...failed, retryable: false } },
    ]);
  });

  it("tells the message a channel was closed for from its neighbours, by its size", async () => {
    const { clock, connection, rabbit } = await setUp();
    await open(connection, "orders");
    const publisher = connection.publisher();
    await publisher.publish({ topic: "orders", payload: "first" });
    rabbit.silent = true;
    const outcomes = Promise.allSettled([
      publisher.publish({ topic: "orders", payload: "small" }),
      publisher.publish({ topic: "orders", payload: "very large" }),
    ]);
    await clock.flush();
    const text = "message size 10 is larger than configured max size 8";
    rabbit.channels
      .findLast(({ open }) => open)
      ?.closeByServer(serverError(406, "PRECONDITION_FAILED", text));
    expect(await outcomes).toMatchObject([
      { reason: { ...failed, retryable: true } },
      { reason: { ...failed, retryable: false } },
    ]);
  });

  it.each([
    [{ topic: "x".repeat(256), payload: "" }, /at most 255 bytes/],
    [{ topic: "a", payload: "abcde" }, /has 5 bytes, and the limit here is 4/],
    [{ topic: "a", payload: "", headers: { CC: "b" } }, /the header "CC"/],
    [{ topic: "", payload: "" }, /a topic is a non-empty string/],
    [{ topic: "order.*", payload: "" }, /no wildcard token/],
    [{ topic: "#", payload: "" }, /no wildcard token/],
  ])("refuses what does not go through, and sends nothing: %j", async (message, reason) => {
    const { connection, rabbit } = await setUp({ maxPayloadBytes: 4 });
    const outcome = connection.publisher().publish(message);
    await expect(outcome).rejects.toMatchObject({
      code: "TIDELANE_INVALID_MESSAGE",
      message: expect.stringMatching(reason),
    });
    expect(rabbit.channels).toEqual([]);
  });

  it("refuses a topic as often as it is wrong, before and after a right one", async () => {
    const { connection } = await setUp();
    await open(connection, "order");
    const publisher = connection.publisher();
    for (const topic of [
      "order.*",
      "order.*",
      "order",
      "order.*",
      "order",
      "x".repeat(256),
      "x".repeat(256),
    ]) {
      const publish = publisher.publish({ topic, payload: "" });
      if (topic === "order") await publish;
      else await expect(publish).rejects.toMatchObject({ code: "TIDELANE_INVALID_MESSAGE" });
    }
  });

  it("refuses what the client cannot encode", async () => {
    const { connection, rabbit } = await setUp();
    await open(connection, "orders");
    const publisher = connection.publisher();
    await publisher.publish({ topic: "orders", payload: "a" });
    const channel = rabbit.channels.findLast(({ open }) => open);
    const send = channel?.publish.bind(channel);
    Object.assign(channel ?? {}, {
      publish: () => {
        throw new RangeError("too much");
      },
    });
    await expect(publisher.publish({ topic: "orders", payload: "b" })).rejects.toMatchObject({
      code: "TIDELANE_INVALID_MESSAGE",
      message: expect.stringContaining("too much"),
    });
    Object.assign(channel ?? {}, { publish: send });
    await publisher.publish({ topic: "orders", payload: "c" });
  });

  it("takes no option out of its range", async () => {
    const { publisher } = await setUp();
    const outcome = publisher.publish({ topic: "a", payload: "" }, { priority: -1 });
    await expect(outcome).rejects.toMatchObject({ code: "TIDELANE_INVALID_ARGUMENT" });
  });
});

describe("a publish that waits", () => {
  it("while the server blocks publishers goes when it does no more", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    const orders = await open(connection, "orders");
    rabbit.connection.block("low on memory");
    expect(connection.blocked).toBe("low on memory");
    const publishing = publisher.publish({ topic: "orders", payload: "a" });
    expect(await stateOf(publishing)).toBe("waiting");
    rabbit.connection.unblock();
    await publishing;
    expect(connection.blocked).toBeUndefined();
    expect(texts(await take(orders, clock))).toEqual(["a"]);
  });

  it("too long rejects with what it waits for", async () => {
    const { clock, connection, rabbit, publisher } = await setUp({ publishTimeoutMs: 1_000 });
    await open(connection, "orders");
    rabbit.connection.block("low on disk");
    const first = publisher.publish({ topic: "orders", payload: "a" }).catch((error: unknown) => error);
    await clock.advance(600);
    const second = publisher.publish({ topic: "orders", payload: "b" }).catch((error: unknown) => error);
    await clock.advance(400);
    expect(await first).toMatchObject({
      code: "TIDELANE_TIMEOUT",
      message:
        'publish() to "orders" (the server blocks publishers: low on disk) did not finish within 1000 ms.',
    });
    expect(await stateOf(second)).toBe("waiting");
    await clock.advance(600);
    expect(await second).toMatchObject({ code: "TIDELANE_TIMEOUT" });
    rabbit.connection.unblock();
    await clock.flush();
    expect(rabbit.queue("orders").ready).toEqual([]);
  });

  it("for its confirm too long rejects as well", async () => {
    const { clock, connection, rabbit, publisher } = await setUp({ publishTimeoutMs: 1_000 });
    await open(connection, "orders");
    await publish(connection, "orders", "first");
    rabbit.silent = true;
    const outcome = publisher.publish({ topic: "orders", payload: "a" }).catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({ code: "TIDELANE_TIMEOUT", retryable: true });
  });

  it("is taken back by its signal, and not sent", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    await open(connection, "orders");
    rabbit.connection.block("low on memory");
    const abort = new AbortController();
    const outcome = publisher
      .publish({ topic: "orders", payload: "a" }, { signal: abort.signal })
      .catch((error: unknown) => error);
    abort.abort();
    expect(await outcome).toMatchObject({ code: "TIDELANE_ABORTED" });
    rabbit.connection.unblock();
    await publish(connection, "orders", "b");
    await clock.flush();
    expect(
      rabbit.channels.flatMap(({ frames }) => frames).filter((frame) => frame.startsWith("publish")),
    ).toHaveLength(1);
  });

  it("for room in the client's buffer goes on in order, 256 KiB behind it", async () => {
    const { clock, connection, rabbit } = await setUp();
    const orders = await open(connection, "orders");
    rabbit.bufferFull = true;
    const payloads = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
    const publishing = publish(connection, "orders", ...payloads);
    await clock.flush();
    expect(await stateOf(publishing)).toBe("waiting");
    const sent = rabbit.channels.flatMap(({ frames }) => frames).filter((each) => each.startsWith("publish"));
    expect(sent).toHaveLength(3);
    rabbit.bufferFull = false;
    for (const channel of rabbit.channels) channel.emit("drain");
    await publishing;
    expect(texts(await take(orders, clock))).toEqual(payloads);
  });
});

describe("a lost connection", () => {
  it("rejects what was sent, and sends what was not when it is back, in order", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    const orders = await open(connection, "orders");
    await publisher.publish({ topic: "orders", payload: "first" });
    rabbit.silent = true;
    const sent = publisher.publish({ topic: "orders", payload: "sent" }).catch((error: unknown) => error);
    await clock.flush();
    rabbit.connection.cut();
    rabbit.speak();
    expect(await sent).toMatchObject({
      ...failed,
      retryable: true,
      message: expect.stringContaining("the connection was lost before"),
    });
    const waiting = publish(connection, "orders", "a", "b");
    expect(await stateOf(waiting)).toBe("waiting");
    await clock.advance(2_000);
    await waiting;
    expect(texts(await take(orders, clock))).toEqual(["first", "a", "b"]);
  });
});

describe("request", () => {
  it("is answered by a handler that only knows reply-to", async () => {
    const { clock, connection, publisher } = await setUp();
    const service = await open(connection, "service");
    const asked = [1, 2].map((each) =>
      publisher.request({ topic: "service", payload: `q${each}`, key: "k" }, { timeoutMs: 1_000 }),
    );
    const requests = await take(service, clock);
    expect(texts(requests)).toEqual(["q1", "q2"]);
    for (const request of requests.reverse()) {
      const topic = request.headers.get("reply-to") ?? "";
      await publisher.publish({ topic, payload: `to ${request.text()}`, headers: { a: "1" } });
    }
    const replies = await Promise.all(asked);
    expect(replies.map((reply) => reply.text())).toEqual(["to q1", "to q2"]);
    expect(replies[0]?.headers.get("a")).toBe("1");
    await replies[0]?.ack();
    await expect(replies[1]?.nack()).rejects.toMatchObject({ code: "TIDELANE_SETTLE_UNSUPPORTED" });
    await replies[1]?.nack({ requeue: false });
  });

  it("is answered by a foreign one, which sends back the correlation id", async () => {
    const { clock, connection, publisher, rabbit } = await setUp();
    const service = await open(connection, "service");
    const asked = publisher.request(
      { topic: "service", payload: "q", headers: { "correlation-id": "mine" } },
      { timeoutMs: 1_000 },
    );
    const [request] = await take(service, clock);
    expect(request?.headers.get("correlation-id")).toBe("mine");
    const { replyTo = "", correlationId = "" } = request?.properties ?? {};
    const stranger = await rabbit.connection.createConfirmChannel();
    stranger.publish("", replyTo, Buffer.from("r"), { correlationId, headers: {} });
    expect((await asked).text()).toBe("r");
  });

  it("that nobody takes rejects at once", async () => {
    const { publisher } = await setUp();
    const asked = publisher.request({ topic: "nowhere", payload: "q" }, { timeoutMs: 1_000 });
    await expect(asked).rejects.toMatchObject(failed);
  });

  it("times out, and its late reply answers no other", async () => {
    const { clock, connection, publisher } = await setUp();
    const service = await open(connection, "service");
    const ask = () => publisher.request({ topic: "service", payload: "q" }, { timeoutMs: 100 });
    const first = ask().catch((error: unknown) => error);
    const [request] = await take(service, clock);
    await clock.advance(100);
    expect(await first).toMatchObject({ code: "TIDELANE_TIMEOUT", timeoutMs: 100 });
    const second = ask();
    const late = request?.headers.get("reply-to") ?? "";
    await publisher.publish({ topic: late, payload: "late" });
    expect(await stateOf(second)).toBe("waiting");
    const [next] = await take(service, clock);
    await publisher.publish({ topic: next?.headers.get("reply-to") ?? "", payload: "right" });
    expect((await second).text()).toBe("right");
  });

  it("ends by its signal, by a lost connection, and by close()", async () => {
    const { clock, connection, publisher, rabbit } = await setUp();
    await open(connection, "service");
    const abort = new AbortController();
    const ask = (signal?: AbortSignal) =>
      publisher
        .request({ topic: "service", payload: "q" }, { timeoutMs: 60_000, ...(signal && { signal }) })
        .catch((error: unknown) => error);
    const aborted = ask(abort.signal);
    const lost = ask();
    await clock.flush();
    abort.abort();
    expect(await aborted).toMatchObject({ code: "TIDELANE_ABORTED" });
    rabbit.connection.cut();
    expect(await lost).toMatchObject({ ...failed, retryable: true });
    await clock.advance(2_000);
    const ended = ask();
    await clock.flush();
    await connection.close();
    expect(await ended).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    expect(clock.timers).toBe(0);
  });

  it("sets reply-to itself", async () => {
    const { publisher } = await setUp();
    const message = { topic: "a", payload: "", headers: { "reply-to": "b" } };
    await expect(publisher.request(message, { timeoutMs: 1 })).rejects.toMatchObject({
      code: "TIDELANE_INVALID_MESSAGE",
    });
  });
});
