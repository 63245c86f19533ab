import { describe, expect, it } from "vitest";
import { JetStreamApiError } from "../../../../src/brokers/nats/index.ts";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, setUpJetStream } from "../../nats/support.ts";

describe("publish() to a stream", () => {
  it("resolves when it is stored, and says where when asked", async () => {
    const { stream, connection } = await setUpJetStream();
    const publisher = connection.publisher();
    expect(publisher.capabilities).toMatchObject({ confirmation: "broker", requestReply: false });
    await publisher.publish({ topic: "s.a", payload: "1", key: "k" });
    expect(await publisher.publishAcked({ topic: "s.a", payload: "2" })).toEqual({
      stream: "S",
      sequence: 2,
      duplicate: false,
    });
    expect(stream.messages[0]?.message.headers?.get("partition-key")).toBe("k");
  });

  it("stores a message of an id once", async () => {
    const { stream, connection } = await setUpJetStream();
    const publisher = connection.publisher();
    const publish = () => publisher.publishAcked({ topic: "s.a", payload: "1" }, { messageId: "x" });
    expect((await publish()).duplicate).toBe(false);
    expect(await publish()).toEqual({ stream: "S", sequence: 1, duplicate: true });
    expect(stream.messages.length).toBe(1);
  });

  it("rejects where an expectation does not hold, with the number of the server's error", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(
      connection.publisher().publish({ topic: "s.a", payload: "" }, { expect: { lastSequence: 5 } }),
    );
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
    expect(error.message).toContain("wrong last sequence: 0");
    expect(error.cause).toBeInstanceOf(JetStreamApiError);
    expect(error.cause).toMatchObject({ errorCode: 10_071 });
  });

  it.each([
    [{ messageId: "" }, "options.messageId"],
    [{ messageId: "a\nb" }, "options.messageId"],
    [{ expect: { lastSequence: -1 } }, "options.expect.lastSequence"],
    [{ expect: { lastSubjectSequence: 1.5 } }, "options.expect.lastSubjectSequence"],
    [{ expect: { stream: "" } }, "options.expect.stream"],
  ])("refuses %j", async (options, argument) => {
    const { stream, connection } = await setUpJetStream();
    const error = await errorOf(connection.publisher().publish({ topic: "s.a", payload: "" }, options));
    expect(error.message).toContain(`${argument} must be`);
    expect(stream.messages).toEqual([]);
  });

  it("checks a topic as publish would", async () => {
    const { clock, jetStream, nats, connection } = await setUpJetStream({ apiTimeoutMs: 300 });
    const publisher = connection.publisher();
    expect(await publisher.checkTopic("s.a")).toBeUndefined();
    const [checked, published] = await Promise.all([
      errorOf(publisher.checkTopic("other")),
      errorOf(publisher.publish({ topic: "other", payload: "" })),
    ]);
    expect(checked).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
    expect(checked.message).toBe(published.message);
    expect((await errorOf(publisher.checkTopic("a.*"))).name).toBe("InvalidMessageError");
    jetStream.silent.add("STREAM.NAMES");
    const silent = errorOf(publisher.checkTopic("s.a"));
    await clock.advance(300);
    expect(await silent).toMatchObject({ code: "TIDELANE_TIMEOUT", retryable: true });
    jetStream.enabled = false;
    expect(await errorOf(publisher.checkTopic("s.a"))).toMatchObject({ retryable: true });
    nats.denied.add("$JS.API.STREAM.NAMES");
    expect(await publisher.checkTopic("other")).toBeUndefined();
    await connection.close();
    expect((await errorOf(publisher.checkTopic("s.a"))).name).toBe("ConnectionClosedError");
  });

  it("asks the subject itself where the API names no stream, and stores nothing by it", async () => {
    const { jetStream, stream, connection } = await setUpJetStream();
    jetStream.mappings.set("dead", "s.dead");
    const publisher = connection.publisher();
    expect(await publisher.checkTopic("dead")).toBeUndefined();
    expect(stream.messages).toEqual([]);
    expect(await publisher.publishAcked({ topic: "dead", payload: "" })).toMatchObject({ sequence: 1 });
    // It is out of reach for a moment, while the API here answers.
    jetStream.mappings.delete("dead");
    expect(await errorOf(publisher.publish({ topic: "dead", payload: "" }))).toMatchObject({
      retryable: true,
    });
    const another = connection.publisher();
    expect(await errorOf(another.publish({ topic: "dead", payload: "" }))).toMatchObject({
      retryable: false,
    });
  });

  it("that found nobody for a moment may be tried again where a stream answers on the subject", async () => {
    const { clock, nats, jetStream, stream, connection } = await setUpJetStream();
    const told = errorOf(connection.publisher().publish({ topic: "dead", payload: "" }));
    while (!jetStream.calls.includes("STREAM.NAMES")) await Promise.resolve();
    jetStream.mappings.set("dead", "s.dead");
    await clock.flush();
    expect(await told).toMatchObject({ retryable: true });
    expect(nats.log.filter(({ subject }) => subject === "dead")).toHaveLength(2);
    expect(stream.messages).toEqual([]);
  });

  it("checks that a topic may be published to, and leaves what else listens there to the publish", async () => {
    const { clock, nats, connection } = await setUpJetStream({ apiTimeoutMs: 300 });
    const publisher = connection.publisher();
    await connection.core.subscribe("mute");
    const silent = publisher.checkTopic("mute");
    await clock.advance(300);
    expect(await silent).toBeUndefined();
    nats.denied.add("secret");
    const error = await errorOf(publisher.checkTopic("secret"));
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
    expect(error.message).toContain('does not permit this user to publish to "secret"');
  });

  it("may be tried again where JetStream is silent for a moment", async () => {
    const { jetStream, connection } = await setUpJetStream();
    jetStream.enabled = false;
    const error = await errorOf(connection.publisher().publish({ topic: "s.a", payload: "" }));
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
  });

  it("refuses options nobody reads, and writes the key where it is told", async () => {
    const { stream, connection } = await setUpJetStream();
    const message = { topic: "s.a", payload: "", key: "ann" };
    const publisher = connection.publisher({ keyHeader: "nats-partition-key" });
    const misspelt = { messageID: "x" } as never;
    expect((await errorOf(publisher.publish(message, misspelt))).message).toContain(
      'publisher.publish(message, options) has no option "messageID"; the nearest one is "messageId".',
    );
    const nested = { expect: { lastSeq: 5 } } as never;
    expect((await errorOf(publisher.publish(message, nested))).message).toContain('"expect.lastSeq"');
    expect(() => connection.publisher({ resent: true } as never)).toThrow('has no option "resent"');
    await publisher.publish(message);
    expect(stream.messages.map((one) => one.message.headers?.get("nats-partition-key"))).toEqual(["ann"]);
  });

  it("rejects where no stream has the subject", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.publisher().publish({ topic: "other", payload: "" }));
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: false });
    expect(error.message).toContain('no stream has the subject "other"');
  });

  it("with resend waits for the stream, in vain or not", async () => {
    const { clock, jetStream, connection } = await setUpJetStream({ publishTimeoutMs: 1_000 });
    const publisher = connection.publisher({ resend: true });
    const told = errorOf(publisher.publish({ topic: "other", payload: "" }));
    await clock.advance(1_000);
    expect((await told).message).toContain('no stream has the subject "other"');
    jetStream.enabled = false;
    const stored = publisher.publishAcked({ topic: "s.a", payload: "" });
    await clock.advance(500);
    jetStream.enabled = true;
    await clock.advance(100);
    expect(await stored).toMatchObject({ sequence: 1 });
    jetStream.enabled = false;
    const controller = new AbortController();
    const aborted = errorOf(publisher.publish({ topic: "s.a", payload: "" }, { signal: controller.signal }));
    const cut = errorOf(publisher.publish({ topic: "s.a", payload: "" }));
    await clock.flush();
    controller.abort();
    expect(isTidelaneError(await aborted, "TIDELANE_ABORTED")).toBe(true);
    await connection.close();
    expect(isTidelaneError(await cut, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("rejects where something else answers on the subject", async () => {
    const { connection } = await setUpJetStream();
    const responder = await connection.core.subscribe("other");
    const answering = (async () => {
      for await (const message of responder) {
        const topic = message.headers.get("reply-to") ?? "";
        await connection.core.publisher().publish({ topic, payload: "hello" });
        break;
      }
    })();
    const error = await errorOf(connection.publisher().publish({ topic: "other", payload: "" }));
    expect(error.message).toContain("came from no stream");
    await answering;
  });

  it("times out, and says how long it waited", async () => {
    const { clock, connection } = await setUpJetStream({ publishTimeoutMs: 700 });
    // Somebody listens, and does not answer.
    await connection.core.subscribe("mute");
    const told = errorOf(connection.publisher().publish({ topic: "mute", payload: "" }));
    await clock.advance(700);
    expect((await told).message).toBe('publish() to "mute" did not finish within 700 ms.');
  });

  it("sends no more than maxOutstanding at once, the rest in order", async () => {
    const { clock, nats, connection } = await setUpJetStream({ publishTimeoutMs: 1_000 });
    await connection.core.subscribe("mute");
    const publisher = connection.publisher({ maxOutstanding: 2 });
    const sent = () => nats.log.filter(({ subject }) => subject === "mute").length;
    const all = Promise.allSettled(
      ["1", "2", "3"].map((payload) => publisher.publish({ topic: "mute", payload })),
    );
    await clock.advance(999);
    expect(sent()).toBe(2);
    await clock.advance(1_001);
    expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    await connection.close();
    expect(clock.timers).toBe(0);
  });

  it("that was on its way when the connection was lost is rejected: it may be stored", async () => {
    const { clock, nats, connection } = await setUpJetStream();
    await connection.core.subscribe("mute");
    const told = errorOf(connection.publisher().publish({ topic: "mute", payload: "" }));
    await clock.flush();
    nats.line.lose();
    const error = await told;
    expect(error).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
    expect(error.message).toContain("connection was lost");
  });

  it.each([
    ["with an id", {}, { messageId: "x" }],
    ["with resend", { resend: true }, {}],
  ])("%s is sent again when the connection is back, and stored once", async (_name, options, call) => {
    const { clock, nats, stream, connection } = await setUpJetStream();
    const publisher = connection.publisher(options);
    const { send } = nats.jetStream;
    // The answer is lost with the connection.
    Object.assign(nats.jetStream, { send: () => {} });
    const stored = publisher.publishAcked({ topic: "s.a", payload: "1" }, call);
    await clock.flush();
    nats.line.lose();
    await clock.flush();
    Object.assign(nats.jetStream, { send });
    nats.line.restore();
    expect(await stored).toEqual({ stream: "S", sequence: 1, duplicate: true });
    expect(stream.messages.length).toBe(1);
  });

  it("ends with its signal and with the connection", async () => {
    const { clock, connection } = await setUpJetStream();
    await connection.core.subscribe("mute");
    const publisher = connection.publisher();
    const controller = new AbortController();
    const aborted = errorOf(publisher.publish({ topic: "mute", payload: "" }, { signal: controller.signal }));
    const cut = errorOf(publisher.publish({ topic: "mute", payload: "" }));
    await clock.flush();
    controller.abort();
    expect(isTidelaneError(await aborted, "TIDELANE_ABORTED")).toBe(true);
    await connection.close();
    expect(isTidelaneError(await cut, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    const late = errorOf(publisher.publish({ topic: "s.a", payload: "" }));
    expect(isTidelaneError(await late, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });
});
