import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailure, type Fixture, runConformance } from "tidelane/conformance";
import { afterAll, describe, expect, it } from "vitest";
import { FolderBroker, type FolderMessage, folderSource } from "../../../examples/folder/broker.ts";
import { folderFixture } from "../../../examples/folder/fixture.ts";

const parent = mkdtempSync(join(tmpdir(), "tidelane-folder-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }), 120_000);

let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(parent, `by-hand-${folders}`);
}

/** All that is there now, in order. */
async function messagesOf(folder: string, topic: string): Promise<FolderMessage[]> {
  const connection = await new FolderBroker(folder).connect();
  const subscriber = await connection.subscribe(folderSource(topic, { group: "g" }));
  const iterator = subscriber[Symbol.asyncIterator]();
  const messages = iterator.takeReady?.(Number.POSITIVE_INFINITY) ?? [];
  await connection.close();
  return messages;
}

async function publishTo(folder: string, topic: string, payloads: readonly string[]): Promise<void> {
  await using connection = await new FolderBroker(folder).connect();
  await connection.subscribe(folderSource(topic, { group: "g" }));
  for (const payload of payloads) await connection.publisher().publish({ topic, payload });
}

describe("the broker of files", { timeout: 240_000 }, () => {
  it("keeps every law it claims, and each of those was judged", async () => {
    const { laws } = await runConformance(folderFixture(parent) as Fixture, { runs: 25, seed: 1 });
    const failures = laws.flatMap((law) =>
      law.counterexample === undefined ? [] : [describeFailure("folder", law, law.counterexample)],
    );
    expect(failures).toEqual([]);
    const verdicts = new Set(laws.map(({ verdict }) => verdict));
    expect(verdicts).toEqual(new Set(["pass", "not claimed"]));
    expect(laws.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(25);
  });

  it("gives what a killed process held to the next one, in order, and nothing that was acked", async () => {
    const folder = newFolder();
    const script = ["--import", "tsx", "test/examples/folder/worker-process.ts", folder];
    const child = spawn(process.execPath, script, { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    await expect(new FolderBroker(folder).connect()).rejects.toThrow(`process ${child.pid} is at work in it`);
    child.kill("SIGKILL");
    await once(child, "exit");
    const messages = await messagesOf(folder, "jobs");
    expect(messages.map((message) => message.text())).toEqual(["1", "2"]);
    expect(readdirSync(folder).filter((name) => name.startsWith("lock-"))).toEqual([]);
  });

  it("delivers what comes after a restart behind what was there", async () => {
    const folder = newFolder();
    await publishTo(folder, "jobs", ["a", "b"]);
    await publishTo(folder, "jobs", ["c"]);
    expect((await messagesOf(folder, "jobs")).map((message) => message.text())).toEqual(["a", "b", "c"]);
  });

  it("takes away what a killed process left half written", async () => {
    const folder = newFolder();
    await publishTo(folder, "jobs", ["whole"]);
    const [topic = ""] = readdirSync(folder);
    const [group = ""] = readdirSync(join(folder, topic));
    writeFileSync(join(folder, topic, group, "0000000000000002.part"), '{"topic":"jo');
    expect((await messagesOf(folder, "jobs")).map((message) => message.text())).toEqual(["whole"]);
    expect(readdirSync(join(folder, topic, group))).toEqual(["0000000000000001"]);
  });

  it.each(["..", ".", "a/b", "../../etc", "A", "a", "CON", "x".repeat(300), "ü", "u\u0308", " a "])(
    "carries the topic %j exactly, and writes nowhere else",
    async (topic) => {
      const folder = newFolder();
      await publishTo(folder, topic, ["it"]);
      await publishTo(folder, `${topic}${topic}`, ["another"]);
      const messages = await messagesOf(folder, topic);
      expect(messages.map((message) => [message.topic, message.text()])).toEqual([[topic, "it"]]);
      expect(readdirSync(parent)).not.toContain("etc");
      expect(readdirSync(folder)).toHaveLength(2);
    },
  );

  it.each(["", "\ud800", "a\nb"])("refuses the topic %j in publish and in subscribe alike", async (topic) => {
    await using connection = await new FolderBroker(newFolder()).connect();
    await expect(connection.publisher().publish({ topic, payload: "" })).rejects.toThrow(/topic/);
    expect(() => folderSource(topic, { group: "g" })).toThrow("topic must be a text");
    expect(() => folderSource("a", { group: topic })).toThrow("group must be a text");
  });
});
