import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "tidelane/conformance";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tidelane-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = ["node_modules/tsx/dist/cli.mjs", "scripts/conformance.ts", ...args];
  return spawnSync(process.execPath, script, { encoding: "utf8" });
}

describe("npm run conformance", { timeout: 30_000 }, () => {
  it("prints the table, writes the report and exits with 0", () => {
    const json = join(folder, "report.json");
    const { status, stdout } = run(
      "memory",
      "--law",
      "conservation",
      "--law",
      "pattern",
      "--runs",
      "2",
      "--seed",
      "-4",
      "--json",
      json,
    );
    expect(status).toBe(0);
    expect(stdout).toContain("| conservation | pass | 2 | ");
    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(report).toMatchObject({ broker: "memory", seed: -4, histories: 4 });
  });

  it.each([
    [[], "No broker was named."],
    [["kafkaesque"], 'There is no broker "kafkaesque" here.'],
    [["memory", "--law", "kindness"], 'There is no law "kindness".'],
    [["memory", "--runs", "many"], '--runs must be a whole number of at least 1; received "many".'],
    [["memory", "--speed", "11"], "Unknown option '--speed'"],
    [
      ["memory", "--law", "pattern", "--runs", "1", "--json", "/nowhere/report.json"],
      "The report cannot be written to",
    ],
    [["memory", "--path", "1:2"], "options.path must be given together with the seed and the one law"],
  ])("refuses %j with one sentence and what is possible", (args, sentence) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).toContain("one of: memory");
  });
});
