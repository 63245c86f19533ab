import { describe, expect, it } from "vitest";
import { jetStreamPatternSource, jetStreamSource } from "../../../../src/brokers/nats/index.ts";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

describe("a subscription without a group", () => {
  it("has a consumer of its own, that goes with it", async () => {
    const { clock, stream, connection } = await setUpJetStream();
    await store(connection, "before");
    const subscriber = await connection.subscribe("s.a");
    await store(connection, "1");
    expect(texts(await new Loop(subscriber, clock).take(1))).toEqual(["1"]);
    const [[name, consumer] = ["", undefined]] = stream.consumers;
    expect(name).toMatch(/^tidelane-/);
    expect(consumer?.config).toMatchObject({ ack_policy: "explicit", filter_subject: "s.a" });
    expect(consumer?.config).not.toHaveProperty("durable_name");
    await subscriber.close();
    await clock.flush();
    expect(stream.consumers.size).toBe(0);
  });

  it.each([
    ["start", { deliver_policy: "all" }],
    ["last", { deliver_policy: "last" }],
    ["last-per-subject", { deliver_policy: "last_per_subject" }],
    [{ sequence: 7 }, { deliver_policy: "by_start_sequence", opt_start_seq: 7 }],
    [
      { time: new Date(1_700_000_000_000) },
      { deliver_policy: "by_start_time", opt_start_time: "2023-11-14T22:13:20.000Z" },
    ],
  ] as const)("starts at %j", async (from, config) => {
    const { stream, connection } = await setUpJetStream();
    await connection.subscribe("s.a", { from });
    expect([...stream.consumers.values()][0]?.config).toMatchObject(config);
  });
});

describe("a subscription with a group", () => {
  it("has a durable consumer, made where it is missing, that starts with what the stream has", async () => {
    const { stream, connection } = await setUpJetStream();
    await openGroup(connection, { ackDeadlineMs: 2_500, maxAckPending: 9 });
    expect(stream.consumers.get("g")?.config).toMatchObject({
      durable_name: "g",
      ack_wait: 2.5e9,
      max_ack_pending: 9,
      deliver_policy: "all",
    });
    const second = await connection.subscribe("s.a", { group: "g" });
    expect(second.capabilities).toMatchObject({ ackDeadlineMs: 2_500, seek: true, backlog: true });
  });

  it.each([
    [{ ackDeadlineMs: 5 }, "options.ackDeadlineMs must be 30000"],
    [{ maxAckPending: 5 }, "options.maxAckPending must be"],
    [{ from: "new" }, 'options.from must be "start", as the consumer'],
  ] as const)("names what is different: %j", async (options, message) => {
    const { connection } = await setUpJetStream();
    await openGroup(connection);
    const error = await errorOf(openGroup(connection, options));
    expect(isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")).toBe(true);
    expect(error.message).toContain(message);
  });

  it("names another subject, and a consumer of another kind", async () => {
    const { stream, connection } = await setUpJetStream();
    await openGroup(connection);
    expect((await errorOf(connection.subscribe("s.b", { group: "g" }))).message).toContain(
      'The subject must be "s.a", as the consumer "g" of the stream "S" has it; received "s.b"',
    );
    stream.createConsumer("push", { ack_policy: "explicit", deliver_subject: "x" }, "s.a");
    stream.createConsumer("none", { ack_policy: "none" }, "s.a");
    expect((await errorOf(connection.subscribe("s.a", { group: "push" }))).message).toContain(
      "pull consumer",
    );
    expect((await errorOf(connection.subscribe("s.a", { group: "none" }))).message).toContain(
      'ack policy "explicit"',
    );
  });

  it("goes by the shortest wait of a consumer with a backoff, and within its limits", async () => {
    const { clock, stream, connection } = await setUpJetStream();
    const limits = { max_batch: 3, max_expires: 2e9, backoff: [5e9, 1e9] };
    stream.createConsumer("g", { ack_policy: "explicit", ack_wait: 5e9, ...limits }, "s.a");
    const subscriber = await connection.subscribe("s.a", { group: "g", maxInFlight: 10 });
    expect(subscriber.capabilities.ackDeadlineMs).toBe(1_000);
    await new Loop(subscriber, clock).peek();
    expect(stream.consumers.get("g")?.outstanding).toBe(3);
  });
});

describe("the stream of a subscription", () => {
  it("is found by the subject where there is one", async () => {
    const { connection } = await setUpJetStream();
    expect((await errorOf(connection.subscribe("other"))).message).toContain(
      'no stream has the subject "other"',
    );
    await connection.createStream("T", { subjects: ["t.>"] });
    const error = await errorOf(connection.subscribePattern(">"));
    expect(error.message).toContain('the streams "S", "T" have subjects that match ">"');
    await connection.subscribePattern(">", { stream: "T" });
  });

  it("that is named and missing is an error", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.subscribe("s.a", { stream: "NOPE" }));
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toBe(
      'The subscription of "s.a" ended: there is no stream "NOPE"; create it, or let create: true create it.',
    );
  });

  it("is found when the connection comes back in time, and else is a matter of time", async () => {
    const { clock, nats, connection } = await setUpJetStream();
    nats.line.lose();
    const opened = connection.subscribe("s.a");
    await clock.advance(4_000);
    nats.line.restore();
    expect((await opened).topic).toBe("s.a");
    nats.line.lose();
    const late = errorOf(connection.subscribe("s.a"));
    await clock.advance(5_000);
    expect((await late).message).toBe("The JetStream API call STREAM.NAMES did not finish within 5000 ms.");
  });

  it("is created where that is asked for", async () => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.subscribe("t.a", { stream: "T", create: { subjects: ["t.>"] } });
    expect(jetStream.stream("T").subjects).toEqual(["t.>"]);
    const other = { subjects: ["t.a", "u.>"] };
    const error = await errorOf(connection.subscribe("t.a", { stream: "T", create: other }));
    expect(error.message).toContain("options.create.subjects must be");
  });
});

describe("a source", () => {
  it("opens itself, by subject and by pattern", async () => {
    const { clock, connection } = await setUpJetStream();
    const byName = await connection.subscribe(jetStreamSource("s.a"));
    const byPattern = await connection.subscribe(jetStreamPatternSource("s.*"));
    await store(connection, "1");
    await connection.publisher().publish({ topic: "s.b", payload: "2" });
    expect(texts(await new Loop(byName, clock).take(1))).toEqual(["1"]);
    const both = await new Loop(byPattern, clock).take(2);
    expect(both.map((message) => `${message.topic} ${message.text()}`)).toEqual(["s.a 1", "s.b 2"]);
  });

  it("leaves no consumer behind when the connection ends while it opens", async () => {
    const { clock, stream, connection } = await setUpJetStream();
    const opening = errorOf(connection.subscribe("s.a", { stream: "S" }));
    await connection.close();
    expect(isTidelaneError(await opening, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    await clock.flush();
    expect([...stream.consumers.keys()].length).toBeLessThanOrEqual(1);
  });
});
