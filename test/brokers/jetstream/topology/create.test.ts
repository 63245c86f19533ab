import { describe, expect, it } from "vitest";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, Loop, setUpJetStream, store, texts } from "../../nats/support.ts";

describe("create: true", () => {
  it.each([
    ["t", "t"],
    ["t.eu.paid", "t-eu-paid"],
  ])("makes a stream for %s, named %s", async (subject, name) => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.subscribe(subject, { create: true });
    expect(jetStream.stream(name).config).toMatchObject({ subjects: [subject], storage: "file" });
  });

  it("names the stream of a pattern by its tokens, and asks for a name where there is none", async () => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.subscribePattern("t.*.>", { create: true });
    expect(jetStream.stream("t-any-all").subjects).toEqual(["t.*.>"]);
    await connection.subscribe("a.b", { create: true });
    await connection.subscribePattern("a.*.b", { create: true });
    await connection.subscribePattern("a.*.b.>", { create: true });
    expect([...jetStream.streams.keys()]).toEqual(["S", "t-any-all", "a-b", "a-any-b", "a-any-b-all"]);
    jetStream.streams.clear();
    const error = await errorOf(connection.subscribePattern(">", { create: true }));
    expect(error.message).toContain("options.stream must be the name of the stream to create");
  });

  it("takes the stream that has the subject, whatever its settings", async () => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.subscribe("s.a", { create: true });
    expect([...jetStream.streams.keys()]).toEqual(["S"]);
  });

  it("refuses a stream that has a part of what the pattern matches, and update adds the rest", async () => {
    const { clock, jetStream, connection } = await setUpJetStream();
    await connection.subscribe("t.eu", { create: true });
    const error = await errorOf(connection.subscribePattern("t.*", { create: true }));
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain('the stream "t-eu" lacks the subject "t.*"');
    const opened = connection.subscribePattern("t.*", { create: { update: "add" } });
    await clock.advance(1_000);
    await opened;
    expect(jetStream.stream("t-eu").subjects).toEqual(["t.*"]);
    await connection.subscribe("t.us", { create: true });
    expect([...jetStream.streams.keys()]).toEqual(["S", "t-eu"]);
  });

  it("lets two that start at once have the same stream", async () => {
    const { jetStream, connection } = await setUpJetStream();
    const create = { create: true, group: "g" } as const;
    await Promise.all([connection.subscribe("t.a", create), connection.subscribe("t.a", create)]);
    expect([...jetStream.streams.keys()]).toEqual(["S", "t-a"]);
  });
});

describe("create with settings", () => {
  it("makes the stream with them, and refuses one that differs", async () => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.subscribe("t.a", { stream: "T", create: { maxAgeMs: 1_000, subjects: ["t.>"] } });
    expect(jetStream.stream("T").config).toMatchObject({ max_age: 1e9, subjects: ["t.>"] });
    const error = await errorOf(connection.subscribe("t.a", { stream: "T", create: { maxAgeMs: 2_000 } }));
    expect(error.message).toContain('options.create.maxAgeMs must be 1000, as the stream "T" has it');
  });

  it("refuses subjects the subscription cannot read from", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.subscribe("t.a", { stream: "T", create: { subjects: ["u.>"] } }));
    expect(error.message).toContain('options.create.subjects must be subjects that match "t.a"');
  });

  it("names a subject that is missing, and how to add it", async () => {
    const { clock, jetStream, connection } = await setUpJetStream();
    const settings = { subjects: ["s.>", "extra"] };
    const error = await errorOf(connection.createStream("S", settings));
    expect(isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")).toBe(true);
    expect(error.message).toBe(
      'settings.subjects must be "s.>", as the stream "S" has it (it lacks "extra"; update: "add" adds what is missing); received "s.>, extra".',
    );
    const added = connection.createStream("S", { ...settings, update: "add" });
    await clock.advance(1_000);
    await added;
    expect(jetStream.stream("S").subjects).toEqual(["s.>", "extra"]);
  });

  it("adds subjects only, and takes none away", async () => {
    const { clock, jetStream, connection } = await setUpJetStream();
    const added = async (adding: Promise<unknown>) => {
      await clock.advance(1_000);
      await adding;
    };
    Object.assign(jetStream.stream("S").config, { description: "theirs" });
    await added(connection.subscribe("t.a", { stream: "S", create: { update: "add" } }));
    expect(jetStream.stream("S").config).toMatchObject({ subjects: ["s.>", "t.a"], description: "theirs" });
    await connection.createStream("S", { subjects: ["s.a"], update: "add" });
    await added(connection.createStream("S", { subjects: ["t.>"], update: "add" }));
    expect(jetStream.stream("S").subjects).toEqual(["s.>", "t.>"]);
    const error = await errorOf(
      connection.createStream("S", { subjects: ["u"], storage: "memory", update: "add" }),
    );
    expect(error.message).toContain('settings.storage must be "file"');
    expect(jetStream.stream("S").subjects).toEqual(["s.>", "t.>"]);
  });

  it("lets two that add at once both have their subject", async () => {
    const { clock, jetStream, connection } = await setUpJetStream();
    const both = Promise.all([
      connection.createStream("S", { subjects: ["a"], update: "add" }),
      connection.createStream("S", { subjects: ["b"], update: "add" }),
    ]);
    await clock.advance(2_000);
    await both;
    expect(jetStream.stream("S").subjects.toSorted()).toEqual(["a", "b", "s.>"]);
    expect(clock.timers).toBe(0);
  });

  it("rejects where somebody takes the subject again and again", async () => {
    const { clock, jetStream, connection } = await setUpJetStream({ apiTimeoutMs: 1_000 });
    const told = errorOf(connection.createStream("S", { subjects: ["a"], update: "add" }));
    for (let round = 0; round < 300; round += 1) {
      jetStream.stream("S").config["subjects"] = ["s.>"];
      await clock.advance(10);
    }
    expect(await told).toMatchObject({ code: "TIDELANE_TIMEOUT", retryable: true });
    expect((await told).message).toContain('Adding "a" to the stream "S"');
  });

  it("names the stream that has a subject already", async () => {
    const { connection } = await setUpJetStream();
    await connection.createStream("T", { subjects: ["t.>"] });
    const said = async (promise: Promise<unknown>) => (await errorOf(promise)).message;
    const sentence = '("t.a" overlaps with the stream "T"; use that stream, or leave the subject out)';
    expect(await said(connection.createStream("U", { subjects: ["u", "t.a"] }))).toContain(sentence);
    expect(await said(connection.createStream("S", { subjects: ["t.a"], update: "add" }))).toContain(
      sentence,
    );
    expect(await said(connection.subscribe("t.a", { stream: "U", create: true }))).toContain(sentence);
  });
});

describe("without create", () => {
  it("a stream that lacks the subject is refused before a consumer is made", async () => {
    const { stream, connection } = await setUpJetStream();
    for (const options of [{}, { group: "g" }]) {
      const error = await errorOf(connection.subscribe("t.a", { stream: "S", ...options }));
      expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
      expect(error.message).toBe(
        'The subscription of "t.a" ended: the stream "S" lacks the subject "t.a"; name another one in options.stream, or let create: { update: "add" } add it.',
      );
    }
    expect(stream.consumers.size).toBe(0);
    for (const more of [
      { sources: [{ name: "T" }] },
      { sources: undefined, mirror: { name: "T" } },
      { mirror: undefined, subject_transform: { src: "s.>", dest: "t.>" } },
      { subject_transform: undefined, subjects: [] },
    ]) {
      Object.assign(stream.config, more);
      await connection.subscribe("t.a", { stream: "S" });
    }
  });

  it("a subject of no stream names create", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.subscribe("other"));
    expect(error).toMatchObject({ code: "TIDELANE_SUBSCRIPTION_FAILED", retryable: false });
    expect(error.message).toContain("create one, or let create: true create it");
  });

  it("a group that is new gets what the stream has, unless it says otherwise", async () => {
    const { clock, connection } = await setUpJetStream();
    await store(connection, "1", "2");
    const first = await connection.subscribe("s.a", { group: "billing" });
    expect(first.capabilities.backlog).toBe(true);
    expect(texts(await new Loop(first, clock).take(2))).toEqual(["1", "2"]);
    const later = await connection.subscribe("s.a", { group: "late", from: "new" });
    expect(later.capabilities.backlog).toBe(false);
    expect(await new Loop(later, clock).peek()).toBe("nothing");
    const again = await connection.subscribe("s.a", { group: "late" });
    expect(again.capabilities.backlog).toBe(false);
  });
});
