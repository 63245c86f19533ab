import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Handler } from "../../compare/parts/handler.ts";
import { JournalReader } from "../../compare/parts/journal.ts";
import type { Behavior, Order } from "../../compare/parts/scenario.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidelane-compare-test-"));
  path = join(folder, "journal");
  writeFileSync(path, "");
});
afterEach(() => rmSync(folder, { recursive: true }));

function order(behavior: Behavior): Order {
  return { id: 4, key: "a", sequence: 1, delayMs: 0, behavior };
}

describe("Handler", () => {
  it("writes down what it does", async () => {
    await new Handler(path).handle(order("succeeds"));
    expect(readFileSync(path, "utf8")).toBe("boot\nstart 4\ndone 4\n");
  });

  it("throws at the first attempt, and not again in the next process", async () => {
    await expect(new Handler(path).handle(order("fails-once"))).rejects.toThrow("message 4 fails");
    await new Handler(path).handle(order("fails-once"));
    expect(readFileSync(path, "utf8")).toBe("boot\nstart 4\nfail 4\nboot\nstart 4\ndone 4\n");
  });

  it("throws at every attempt of the poison message", async () => {
    const handler = new Handler(path);
    for (let attempt = 1; attempt <= 3; attempt += 1)
      await expect(handler.handle(order("always-fails"))).rejects.toThrow();
  });
});

describe("JournalReader", () => {
  it("reads what was appended since, and half a line when it is whole", () => {
    writeFileSync(path, "boot\nstart 4\ndo");
    const reader = new JournalReader(path);
    expect(reader.read()).toEqual([{ event: "boot" }, { event: "start", id: 4 }]);
    writeFileSync(path, "ne 4\n", { flag: "a" });
    expect(reader.read()).toEqual([{ event: "done", id: 4 }]);
    expect(reader.read()).toEqual([]);
    reader.close();
  });
});
