import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { SendQueue } from "../../../../src/brokers/nats/publisher/send-queue.ts";
import { nextTurn } from "../../../../src/traits/clock.ts";
import { isTidelaneError, type OutgoingMessage } from "../../../../src/traits/index.ts";
import { errorOf, events, Loop, setUpCore, setUpCoreConnection, texts } from "../support.ts";

describe("publish()", () => {
  it("carries payload, key, headers, and the reply subject as one of the protocol", async () => {
    const { clock, nats, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    await connection.publisher().publish({
      topic: "a",
      payload: Uint8Array.of(0, 255),
      key: "k",
      headers: { "reply-to": "answers", "content-type": "x" },
    });
    const message = await loop.next();
    expect([...message.payload]).toEqual([0, 255]);
    expect(message.payload.constructor).toBe(Uint8Array);
    expect(message.partitionKey).toBe("k");
    expect([...message.headers]).toEqual([
      ["content-type", "x"],
      ["partition-key", "k"],
      ["reply-to", "answers"],
    ]);
    expect(nats.log.at(-1)?.reply).toBe("answers");
  });

  it("keeps a reply-to that is no subject as a header", async () => {
    const { clock, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    await connection
      .publisher()
      .publish({ topic: "a", payload: "", headers: { "reply-to": "not a subject" } });
    expect((await loop.next()).headers.get("reply-to")).toBe("not a subject");
  });

  it("keeps every value of a reply-to that occurs twice", async () => {
    const { clock, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    const headers = [["reply-to", "one"] as const, ["reply-to", "two"] as const];
    await connection.publisher().publish({ topic: "a", payload: "", headers });
    expect((await loop.next()).headers.getAll("reply-to")).toEqual(["one", "two"]);
  });

  it.each([
    [{ topic: "a.*", payload: "" }, "wildcard"],
    [{ topic: "a b", payload: "" }, "space"],
    [{ topic: "a", payload: new Uint8Array(1_001) }, "limit here is 1000"],
    [{ topic: "a", payload: new Uint8Array(990), headers: { a: "1" } }, "headers have 18 bytes"],
    [{ topic: "a", payload: "", headers: { a: Uint8Array.of(1) } }, "text only"],
    [{ topic: "a", payload: "", headers: { a: " 1" } }, "space around"],
    [{ topic: "a", payload: "", key: " k" }, "space around"],
  ])("refuses %j", async (message, why) => {
    const { nats, connection } = await setUpCore();
    const error = await errorOf(connection.publisher().publish(message));
    expect(isTidelaneError(error, "TIDELANE_INVALID_MESSAGE")).toBe(true);
    expect(error.message).toContain(why);
    expect(nats.log).toEqual([]);
  });

  it("keeps the order of publishes and requests, also over a lost connection", async () => {
    for (const confirm of [false, true]) {
      const { clock, nats, connection } = await setUpCore();
      await connection.subscribePattern(">");
      const publisher = connection.publisher({ confirm });
      const calls = () => [
        publisher.publish({ topic: "a", payload: "" }),
        publisher.request({ topic: "b", payload: "" }, { timeoutMs: 900 }).catch(() => {}),
        publisher.publish({ topic: "c", payload: "" }),
        publisher.request({ topic: "d", payload: "" }, { timeoutMs: 900 }).catch(() => {}),
      ];
      const up = calls();
      expect(nats.log.map(({ subject }) => subject)).toEqual(["a", "b", "c", "d"]);
      await clock.advance(900);
      await Promise.all(up);
      nats.log.length = 0;
      nats.line.lose();
      await clock.flush();
      const down = calls();
      await clock.advance(800);
      nats.line.restore();
      await clock.flush();
      expect(nats.log.map(({ subject }) => subject)).toEqual(["a", "b", "c", "d"]);
      await clock.advance(900);
      await Promise.all(down);
    }
  });

  it("leaves out a request whose time was over before its turn came", async () => {
    const { clock, nats, connection } = await setUpCore({ publishTimeoutMs: 200 });
    nats.line.lose();
    await clock.flush();
    const publisher = connection.publisher();
    const request = publisher.request({ topic: "b", payload: "" }, { timeoutMs: 600 });
    const told = errorOf(request);
    await clock.advance(600);
    expect((await told).message).toContain("did not finish within 600 ms");
    nats.line.restore();
    await clock.flush();
    expect(nats.log).toEqual([]);
    await connection.close();
  });

  it("keeps nothing of a request that is over before its turn came", async () => {
    const { clock, nats, session } = await setUpCoreConnection();
    nats.line.lose();
    await clock.flush();
    const queue = new SendQueue(session.server, clock, 60_000);
    const controller = new AbortController();
    const request = { subject: "b", payload: new Uint8Array(900), what: "a request" };
    const told = Promise.allSettled([
      session.requests.send({ ...request, timeoutMs: 600 }, queue),
      session.requests.send({ ...request, timeoutMs: 9_000, signal: controller.signal }, queue),
      session.requests.send({ ...request, timeoutMs: 9_000 }, queue),
    ]);
    expect(queue.size).toBe(3);
    controller.abort();
    await clock.advance(600);
    expect(queue.size).toBe(1);
    await session.close();
    expect(queue.size).toBe(0);
    expect((await told).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  it("writes the key where a neighbour reads it, and reads it from there", async () => {
    const { clock, nats, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    await connection
      .publisher({ keyHeader: "nats-partition-key" })
      .publish({ topic: "a", payload: "", key: "ann" });
    expect((await loop.next()).partitionKey).toBe("ann");
    expect(nats.log.at(-1)?.headers?.get("nats-partition-key")).toBe("ann");
    for (const keyHeader of ["", "a b", "a:b", "Nats-Key", 5]) {
      expect(() => connection.publisher({ keyHeader } as never)).toThrow("options.keyHeader must be");
    }
  });

  it("refuses options nobody reads", async () => {
    const { nats, connection } = await setUpCore();
    const publisher = connection.publisher();
    const message = { topic: "a", payload: "" };
    expect(() => connection.publisher({ confirms: true } as never)).toThrow(
      'connection.publisher(options) has no option "confirms"; the nearest one is "confirm".',
    );
    const calls = [
      publisher.publish(message, { singal: undefined } as never),
      publisher.request(message, { timeout: 5 } as never),
      connection.subscribe("a", { gruop: "g" } as never),
    ];
    for (const call of calls) expect(await errorOf(call)).toMatchObject({ code: "TIDELANE_UNKNOWN_OPTION" });
    expect(nats.log).toEqual([]);
  });

  it("waits for a lost connection, and keeps the order of the calls", async () => {
    const { clock, nats, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("a"), clock);
    const publisher = connection.publisher();
    nats.line.lose();
    await clock.flush();
    const published = ["1", "2"].map((payload) => publisher.publish({ topic: "a", payload }));
    await clock.advance(1_000);
    expect(nats.log).toEqual([]);
    nats.line.restore();
    published.push(publisher.publish({ topic: "a", payload: "3" }));
    await Promise.all(published);
    expect(texts(await loop.take(3))).toEqual(["1", "2", "3"]);
    expect(clock.timers).toBe(0);
  });

  it("gives up after publishTimeoutMs, having sent nothing", async () => {
    const { clock, nats, connection } = await setUpCore({ publishTimeoutMs: 500 });
    nats.line.lose();
    await clock.flush();
    const told = errorOf(connection.publisher().publish({ topic: "a", payload: "" }));
    await clock.advance(500);
    expect(isTidelaneError(await told, "TIDELANE_TIMEOUT")).toBe(true);
    nats.line.restore();
    await clock.flush();
    expect(nats.log).toEqual([]);
  });

  it("that waits ends with its signal, and with the connection", async () => {
    const { clock, nats, connection } = await setUpCore();
    const publisher = connection.publisher();
    nats.line.lose();
    await clock.flush();
    const controller = new AbortController();
    const aborted = errorOf(publisher.publish({ topic: "a", payload: "" }, controller));
    const cut = errorOf(publisher.publish({ topic: "a", payload: "" }));
    controller.abort();
    expect(isTidelaneError(await aborted, "TIDELANE_ABORTED")).toBe(true);
    await connection.close();
    expect(isTidelaneError(await cut, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    expect(clock.timers).toBe(0);
    expect(nats.log).toEqual([]);
  });

  it("cannot know, and says so; a refusal nobody waits for is reported", async () => {
    const { clock, nats, connection } = await setUpCore();
    const seen = events("tidelane:error");
    nats.denied.add("secret");
    const publisher = connection.publisher();
    expect(publisher.capabilities.confirmation).toBe("none");
    await publisher.publish({ topic: "secret", payload: "" });
    await clock.flush();
    expect(seen.map(({ topic, error }) => [topic, (error as Error).message])).toEqual([
      [
        "secret",
        'the server does not permit this user to publish to "secret"; give it that permission, or connect as another',
      ],
    ]);
  });
});

/** Topics some of which are refused, and headers some of which are no plain ones. */
const message = fc.record({
  topic: fc.constantFrom("a", "b.c", "secret", "b.*", "a b", ""),
  payload: fc.string({ maxLength: 3 }),
  headers: fc.constantFrom({}, { h: "1" }, { "reply-to": "answers" }, { h: " 1" }),
});

/** What the server was sent, and what each caller was told. */
async function played(messages: readonly OutgoingMessage[], confirm: boolean, waits: boolean) {
  const { clock, nats, connection } = await setUpCore();
  nats.denied.add("secret");
  const publisher = connection.publisher({ confirm });
  if (waits) nats.line.lose();
  await clock.flush();
  const told = Promise.allSettled(messages.map((each) => publisher.publish(each)));
  if (waits) nats.line.restore();
  await clock.flush();
  const outcomes = (await told).map((each) => (each.status === "rejected" ? String(each.reason) : "sent"));
  const sent = nats.log.map(({ subject, reply, data }) => [subject, reply, [...data]]);
  return { sent, outcomes };
}

it("publish() sends the same, and tells the same, when it is sent at once and when it had to wait", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.boolean(), async (messages, confirm) => {
      expect(await played(messages, confirm, false)).toEqual(await played(messages, confirm, true));
    }),
  );
});

describe("publish() with confirm", () => {
  it("resolves when the server has it, by one round trip for all that overlap", async () => {
    const { clock, nats, connection } = await setUpCore();
    const publisher = connection.publisher({ confirm: true });
    expect(publisher.capabilities.confirmation).toBe("broker");
    let flushes = 0;
    const flush = nats.line.flush.bind(nats.line);
    nats.line.flush = () => {
      flushes += 1;
      return flush();
    };
    await Promise.all(["1", "2", "3"].map((payload) => publisher.publish({ topic: "a", payload })));
    expect(flushes).toBe(1);
    await publisher.publish({ topic: "a", payload: "4" });
    expect(flushes).toBe(2);
    expect(clock.timers).toBe(0);
  });

  it("asks the server before the client writes, so that one write takes both", async () => {
    const { nats, connection } = await setUpCore();
    const calls: string[] = [];
    const { line } = nats;
    const publish = line.publish.bind(line);
    const flush = line.flush.bind(line);
    line.publish = (...message) => {
      // As the clients do.
      queueMicrotask(() => calls.push("write"));
      publish(...message);
    };
    line.flush = () => {
      calls.push("flush");
      return flush();
    };
    await connection.publisher({ confirm: true }).publish({ topic: "a", payload: "" });
    expect(calls).toEqual(["flush", "write"]);
  });

  it("rejects once when the client refuses it and the round trip fails too", async () => {
    const { clock, nats, connection } = await setUpCore();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    nats.line.publish = () => {
      throw new Error("no");
    };
    nats.line.stalled = true;
    const refused = errorOf(connection.publisher({ confirm: true }).publish({ topic: "a", payload: "" }));
    await clock.flush();
    nats.line.lose();
    expect(await refused).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  it("rejects where the server refuses, and nobody else is told", async () => {
    const { nats, connection } = await setUpCore();
    const seen = events("tidelane:error");
    nats.denied.add("secret");
    const publisher = connection.publisher({ confirm: true });
    const [refused, other] = await Promise.allSettled([
      publisher.publish({ topic: "secret", payload: "" }),
      publisher.publish({ topic: "open", payload: "" }),
    ]);
    expect(refused).toMatchObject({ reason: { code: "TIDELANE_PUBLISH_FAILED", retryable: false } });
    expect(other.status).toBe("fulfilled");
    expect(seen).toEqual([]);
  });

  it("rejects when the connection is lost, or ends, before the answer", async () => {
    const { clock, nats, connection } = await setUpCore();
    const publisher = connection.publisher({ confirm: true });
    nats.line.stalled = true;
    const lost = errorOf(publisher.publish({ topic: "a", payload: "" }));
    await clock.flush();
    nats.line.lose();
    expect(await lost).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
    nats.line.restore();
    await clock.flush();
    const ended = errorOf(publisher.publish({ topic: "a", payload: "" }));
    await clock.flush();
    nats.line.end();
    expect(await ended).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED" });
  });
});

describe("request()", () => {
  it("carries headers that can be read only once", async () => {
    const { clock, connection } = await setUpCore();
    const loop = new Loop(await connection.subscribe("ask"), clock);
    const headers = new Map([["trace", "1"]]).entries();
    const answer = connection.publisher().request({ topic: "ask", payload: "", headers }, { timeoutMs: 100 });
    const timedOut = errorOf(answer);
    expect((await loop.next()).headers.get("trace")).toBe("1");
    await clock.advance(100);
    expect(await timedOut).toMatchObject({ code: "TIDELANE_TIMEOUT" });
  });

  it("resolves with the first answer; a second and a late one go to nobody", async () => {
    const { clock, connection } = await setUpCore();
    const publisher = connection.publisher();
    const loop = new Loop(await connection.subscribe("ask"), clock);
    const answer = publisher.request({ topic: "ask", payload: "?" }, { timeoutMs: 100 });
    const late = errorOf(publisher.request({ topic: "ask", payload: "late" }, { timeoutMs: 50 }));
    const [question, other] = await loop.take(2);
    const topic = question?.headers.get("reply-to") ?? "";
    await publisher.publish({ topic, payload: "first" });
    await publisher.publish({ topic, payload: "second" });
    const reply = await answer;
    expect(reply.text()).toBe("first");
    await reply.ack();
    await clock.advance(50);
    expect(isTidelaneError(await late, "TIDELANE_TIMEOUT")).toBe(true);
    await publisher.publish({ topic: other?.headers.get("reply-to") ?? "", payload: "too late" });
    await clock.flush();
    await connection.close();
    expect(clock.timers).toBe(0);
  });

  it("rejects at once where nobody listens", async () => {
    const { connection } = await setUpCore();
    const error = await errorOf(
      connection.publisher().request({ topic: "x", payload: "" }, { timeoutMs: 100 }),
    );
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
    expect(error.message).toContain('nobody listens to "x"');
  });

  it("ends with its signal, with a lost connection, and with close()", async () => {
    const { clock, nats, connection } = await setUpCore();
    await connection.subscribe("ask");
    const publisher = connection.publisher();
    const controller = new AbortController();
    const ask = (signal?: AbortSignal) =>
      errorOf(
        publisher.request({ topic: "ask", payload: "" }, { timeoutMs: 100, ...(signal ? { signal } : {}) }),
      );
    const aborted = ask(controller.signal);
    controller.abort();
    expect(isTidelaneError(await aborted, "TIDELANE_ABORTED")).toBe(true);
    const lost = ask();
    nats.line.lose();
    expect(await lost).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
    nats.line.restore();
    await clock.flush();
    const cut = ask();
    await connection.close();
    expect(isTidelaneError(await cut, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });

  it("refuses a reply-to of the caller", async () => {
    const { connection } = await setUpCore();
    const message = { topic: "a", payload: "", headers: { "Reply-To": "x" } };
    const error = await errorOf(connection.publisher().request(message, { timeoutMs: 5 }));
    expect(isTidelaneError(error, "TIDELANE_INVALID_MESSAGE")).toBe(true);
  });

  it("says which option to look at where answers may not come", async () => {
    const { nats, connection } = await setUpCore();
    const publisher = connection.publisher();
    const { subscribe } = nats.line;
    nats.line.subscribe = (subject, options) => {
      nats.denied.add(subject);
      return subscribe.call(nats.line, subject, options);
    };
    const error = await errorOf(publisher.request({ topic: "x", payload: "" }, { timeoutMs: 5 }));
    expect(error.message).toContain("options.inboxPrefix");
  });
});
