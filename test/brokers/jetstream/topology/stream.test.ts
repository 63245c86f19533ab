import { describe, expect, it } from "vitest";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, setUpJetStream } from "../../nats/support.ts";

describe("createStream()", () => {
  it("creates a stream that is missing, in the server's words", async () => {
    const { jetStream, connection } = await setUpJetStream();
    await connection.createStream("T", {
      subjects: ["t.>"],
      storage: "memory",
      maxAgeMs: 1_500,
      duplicateWindowMs: 100,
      maxMessages: 7,
    });
    expect(jetStream.stream("T").config).toMatchObject({
      name: "T",
      subjects: ["t.>"],
      storage: "memory",
      retention: "limits",
      max_age: 1.5e9,
      duplicate_window: 1e8,
      max_msgs: 7,
    });
  });

  it("checks one that is there, and only what is said", async () => {
    const { jetStream, connection } = await setUpJetStream();
    jetStream.calls.length = 0;
    await connection.createStream("S", { subjects: ["s.>"] });
    await connection.createStream("S", { subjects: ["s.>"], storage: "file" });
    expect(jetStream.calls).toEqual(["STREAM.INFO.S", "STREAM.INFO.S"]);
  });

  it.each([
    [
      { subjects: ["s.a"] },
      'settings.subjects must be "s.>", as the stream "S" has it (it also stores "s.>"; list the same, take that away with the nats CLI, or leave it with update: "add"); received "s.a".',
    ],
    [{ subjects: ["s.>"], storage: "memory" }, 'settings.storage must be "file", as the stream "S" has it'],
    [
      { subjects: ["s.>"], maxAgeMs: 5 },
      'settings.maxAgeMs must be 0, as the stream "S" has it (ask for that, or change the stream with the nats CLI); received 5.',
    ],
  ] as const)("names what is different: %j", async (settings, message) => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.createStream("S", settings));
    expect(isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")).toBe(true);
    expect(error.message).toContain(message);
  });

  it("names what the server left out without a word", async () => {
    const { jetStream, connection } = await setUpJetStream();
    const { streams } = jetStream;
    const set = streams.set.bind(streams);
    streams.set = (name, stream) => {
      delete stream.config["duplicate_window"];
      return set(name, stream);
    };
    const error = await errorOf(connection.createStream("T", { subjects: ["t"], duplicateWindowMs: 5 }));
    expect(error.message).toContain("settings.duplicateWindowMs");
  });

  it("checks one that somebody else made at the same moment", async () => {
    const { connection } = await setUpJetStream();
    const made = await Promise.allSettled([
      connection.createStream("T", { subjects: ["t"] }),
      connection.createStream("T", { subjects: ["t"] }),
      connection.createStream("T", { subjects: ["t"], maxMessages: 1 }),
    ]);
    expect(made.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });

  it("rejects where the API does not answer, and after close()", async () => {
    const { clock, jetStream, connection } = await setUpJetStream({ apiTimeoutMs: 300 });
    jetStream.silent.add("STREAM.INFO");
    const told = errorOf(connection.createStream("S", { subjects: ["s.>"] }));
    await clock.advance(300);
    expect(isTidelaneError(await told, "TIDELANE_TIMEOUT")).toBe(true);
    await connection.close();
    const late = errorOf(connection.createStream("S", { subjects: ["s.>"] }));
    expect(isTidelaneError(await late, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });
});
