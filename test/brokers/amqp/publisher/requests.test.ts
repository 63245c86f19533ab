import { describe, expect, it } from "vitest";
import type { AmqpPublisher } from "../../../../src/brokers/amqp/index.ts";
import { serverError } from "../fake/fake-channel.ts";
import { open, setUp, stateOf, take, texts } from "../support.ts";

const failed = { code: "TIDELANE_PUBLISH_FAILED" };

/** A request whose outcome is looked at later, if at all. */
function ask(publisher: AmqpPublisher, payload: string, topic = "service"): Promise<unknown> {
  return publisher.request({ topic, payload }, { timeoutMs: 60_000 }).catch((error: unknown) => error);
}

it("a request carries headers that can be read only once", async () => {
  const { clock, connection } = await setUp();
  const service = await open(connection, "service");
  const headers = new Map([["trace", "1"]]).entries();
  const asked = connection
    .publisher()
    .request({ topic: "service", payload: "", headers }, { timeoutMs: 60_000 })
    .catch((error: unknown) => error);
  const [request] = await take(service, clock);
  expect(request?.headers.get("trace")).toBe("1");
  await clock.advance(60_000);
  expect(await asked).toMatchObject({ code: "TIDELANE_TIMEOUT" });
});

describe("publishes and requests of one publisher", () => {
  it("arrive in the order of the calls, whichever comes first", async () => {
    const { clock, connection } = await setUp();
    const service = await open(connection, "service");
    const publisher = connection.publisher();
    for (const payload of ["1", "3"]) {
      void ask(publisher, payload);
      void publisher.publish({ topic: "service", payload: String(Number(payload) + 1) });
      await clock.flush();
    }
    expect(texts(await take(service, clock))).toEqual(["1", "2", "3", "4"]);
  });

  it("arrive in order when the first request finds the channel open", async () => {
    const { clock, connection } = await setUp();
    const service = await open(connection, "service");
    const publisher = connection.publisher();
    await publisher.publish({ topic: "service", payload: "0" });
    for (let index = 1; index < 100; index += 2) {
      void publisher.publish({ topic: "service", payload: String(index) });
      void ask(publisher, String(index + 1));
    }
    const expected = Array.from({ length: 101 }, (_, index) => String(index));
    expect(texts(await take(service, clock))).toEqual(expected);
  });

  it("arrive in order while the client's buffer is full, and on the channel after a reconnect", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    const service = await open(connection, "service");
    await publisher.publish({ topic: "service", payload: "first" });
    rabbit.bufferFull = true;
    void publisher.publish({ topic: "service", payload: "x".repeat(300_000) });
    void publisher.publish({ topic: "service", payload: "1" });
    void ask(publisher, "2");
    void publisher.publish({ topic: "service", payload: "3" });
    await clock.flush();
    rabbit.bufferFull = false;
    for (const channel of rabbit.channels) channel.emit("drain");
    const before = await take(service, clock);
    expect(texts(before.slice(2))).toEqual(["1", "2", "3"]);
    for (const message of before) await message.ack();
    await clock.flush();
    rabbit.connection.cut();
    void publisher.publish({ topic: "service", payload: "4" });
    void ask(publisher, "5");
    void publisher.publish({ topic: "service", payload: "6" });
    await clock.advance(3_000);
    expect(texts(await take(service, clock))).toEqual(["4", "5", "6"]);
  });

  it("share a channel with replies, also where the publisher has an exchange of its own", async () => {
    const { clock, connection, rabbit } = await setUp({
      topology: { exchanges: [{ name: "events", type: "topic" }] },
    });
    const service = await open(connection, "service", {
      bindings: [{ exchange: "events", routingKey: "#" }],
    });
    const publisher = connection.publisher({ exchange: "events" });
    const asked = ask(publisher, "q", "a.question");
    const [request] = await take(service, clock);
    await publisher.publish({ topic: request?.headers.get("reply-to") ?? "", payload: "r" });
    expect(await asked).toMatchObject({ topic: expect.stringContaining("amq.rabbitmq.reply-to") });
    const publishing = rabbit.channels.filter(({ frames }) => frames.some((each) => /^publish/.test(each)));
    expect(publishing).toHaveLength(1);
  });
});

describe("a request that is passed on with its headers", () => {
  it("is answered over two hops, by a handler that knows reply-to or the correlation id alone", async () => {
    const { broker, clock, publisher, rabbit } = await setUp();
    const other = await broker.connect();
    const hops = ["one", "two", "three"];
    const subscribers = await Promise.all(hops.map((topic) => open(other, topic)));
    const request = { topic: "one", payload: "q", headers: { "correlation-id": "mine" } };
    const asked = [1, 2].map(() => publisher.request(request, { timeoutMs: 60_000 }));
    for (const [index, subscriber] of subscribers.slice(0, 2).entries()) {
      const topic = hops[index + 1] ?? "";
      for (const { payload, headers } of await take(subscriber, clock)) {
        await other.publisher().publish({ topic, payload, headers });
      }
    }
    const [last] = subscribers.slice(-1);
    const [first, second] = last === undefined ? [] : await take(last, clock);
    expect(first?.headers.get("correlation-id")).toBe("mine");
    await other.publisher().publish({ topic: first?.headers.get("reply-to") ?? "", payload: "ours" });
    const { replyTo = "", correlationId = "" } = second?.properties ?? {};
    const stranger = await rabbit.connection.createConfirmChannel();
    stranger.publish("", replyTo, Buffer.from("theirs"), { correlationId, headers: {} });
    expect((await Promise.all(asked)).map((reply) => reply.text())).toEqual(["ours", "theirs"]);
  });
});

describe("a channel that is lost", () => {
  it("ends the requests it sent, and not those that wait to be sent", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    const service = await open(connection, "service");
    const sent = ask(publisher, "sent");
    await clock.flush();
    rabbit.connection.block("low on memory");
    const waiting = publisher.request({ topic: "service", payload: "waiting" }, { timeoutMs: 60_000 });
    rabbit.connection.cut();
    expect(await sent).toMatchObject({ ...failed, retryable: true });
    expect(await stateOf(waiting)).toBe("waiting");
    await clock.advance(3_000);
    const [, request] = await take(service, clock);
    expect(request?.text()).toBe("waiting");
    await publisher.publish({ topic: request?.headers.get("reply-to") ?? "", payload: "reply" });
    expect((await waiting).text()).toBe("reply");
  });

  it("by another message says so of a request that waits for its reply, which may be tried again", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    await open(connection, "service");
    const asked = ask(publisher, "q");
    await clock.flush();
    const fault = serverError(406, "PRECONDITION_FAILED", "message size 9 is larger than allowed");
    rabbit.channels.findLast(({ open }) => open)?.closeByServer(fault);
    expect(await asked).toMatchObject({
      ...failed,
      retryable: true,
      message:
        'The message for "service" was not confirmed: its channel was closed before the reply came (message size 9 is larger than allowed).',
    });
  });

  it("by a missing exchange costs a reply on the same channel no more than another attempt", async () => {
    const { clock, connection } = await setUp();
    const service = await open(connection, "service");
    void ask(connection.publisher(), "q");
    const [request] = await take(service, clock);
    const publisher = connection.publisher({ exchange: "nope" });
    const outcomes = await Promise.allSettled([
      publisher.publish({ topic: "a", payload: "" }),
      publisher.publish({ topic: request?.headers.get("reply-to") ?? "", payload: "r" }),
    ]);
    expect(outcomes).toMatchObject([
      { reason: { ...failed, retryable: false } },
      { reason: { ...failed, retryable: true } },
    ]);
  });
});

describe("a server without reply addresses", () => {
  it("refuses requests, and takes publishes as before", async () => {
    const { connection, rabbit, publisher } = await setUp();
    await open(connection, "service");
    await publisher.publish({ topic: "service", payload: "a" });
    rabbit.queueFor = () => {
      throw serverError(404, "NOT_FOUND", "no queue 'amq.rabbitmq.reply-to' in vhost '/'");
    };
    expect(await ask(publisher, "q")).toMatchObject(failed);
    expect(await ask(publisher, "q")).toMatchObject(failed);
    await publisher.publish({ topic: "service", payload: "b" });
  });
});
