import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { JournalReader, JournalWriter, payloadOf, readPayload } from "../../../scripts/faults/journal.ts";

const folder = mkdtempSync(join(tmpdir(), "tidelane-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the journal", () => {
  it("gives what several consumers wrote, once, in the order they wrote it", () => {
    const path = join(folder, "several");
    const reader = new JournalReader(path);
    const [one, two] = [new JournalWriter(path, 0), new JournalWriter(path, 1)];
    one.handled({ key: "7", sequence: 1, copy: 1 });
    two.handled({ key: "7", sequence: 2, copy: 3 });
    one.handled({ key: "8", sequence: 1, copy: 1 });
    const read = reader.read();
    expect(read.map(({ member, key, sequence, copy }) => [member, key, sequence, copy])).toEqual([
      [0, "7", 1, 1],
      [1, "7", 2, 3],
      [0, "8", 1, 1],
    ]);
    expect(reader.read()).toEqual([]);
    two.handled({ key: "9", sequence: 1, copy: 1 });
    expect(reader.read().map(({ key }) => key)).toEqual(["9"]);
    reader.close();
  });

  it("waits for the end of a line", () => {
    const path = join(folder, "half");
    const reader = new JournalReader(path);
    appendFileSync(path, "5 0 1 2");
    expect(reader.read()).toEqual([]);
    appendFileSync(path, "3 1\n");
    expect(reader.read()).toEqual([{ atMs: 5, member: 0, key: "1", sequence: 23, copy: 1 }]);
    reader.close();
  });

  it("keeps what was written by a process that is killed in the same moment", async () => {
    const path = join(folder, "killed");
    const script = `
      const fs = require("node:fs");
      const file = fs.openSync(process.argv[1], "a");
      fs.writeSync(file, "1 0 1 1 1\\n");
      process.kill(process.pid, "SIGKILL");`;
    const child = spawn(process.execPath, ["-e", script, path]);
    const signal = await new Promise((resolve) => {
      child.once("exit", (_, by) => resolve(by));
    });
    expect(signal).toBe("SIGKILL");
    expect(new JournalReader(path).read()).toHaveLength(1);
  });

  it("names messages by their payloads", () => {
    const copy = { key: "12", sequence: 345, copy: 2 };
    expect(readPayload(payloadOf(copy))).toEqual(copy);
  });
});
