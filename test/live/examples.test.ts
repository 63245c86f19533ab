import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { run } from "../../scripts/steps.ts";
import { describeLive } from "./describe-live.ts";
import { addressVariables, namesOf, serverOf } from "./places.ts";

const folder = "examples/brokers";
const files = readdirSync(`${root}/${folder}`);
const line = "// ---- the same on every broker ----";

function bodyOf(file: string): string {
  const [, body] = readFileSync(`${root}/${folder}/${file}`, "utf8").split(line);
  if (body === undefined) throw new Error(`${folder}/${file} has no line "${line}"`);
  return body;
}

async function printed(file: string): Promise<string> {
  const { code, output } = await run(["node", "--import", "tsx", `${folder}/${file}`]);
  expect(code, output).toBe(0);
  return output;
}

describe("the examples of the brokers", () => {
  it("are all known here", () => {
    const names = files.map((file) => file.replace(/\.ts$/, ""));
    expect(names.filter((name) => name !== "memory" && serverOf[name] === undefined)).toEqual([]);
  });

  it("differ in their imports and options only", () => {
    for (const file of files) expect(bodyOf(file), file).toBe(bodyOf("memory.ts"));
  });

  it("on memory it prints what was paid, in the order of each key", async () => {
    expect((await printed("memory.ts")).split("\n")).toEqual([
      "ann: 10, 20, end",
      "bo: 30, end",
      "cy: 1, 2, end",
      "oops: given up after 3 attempts; the handler failed: Error: not an amount",
      "8 handled, 3 retries, 1 set aside",
      "",
    ]);
  });
});

for (const kind of ["nats", "rabbitmq", "kafka", "redis"] as const) {
  const names = namesOf(kind, files, ".ts");
  if (names.length === 0) continue;
  await describeLive(kind, `the examples on ${kind}`, (server) => {
    beforeAll(() => {
      process.env[addressVariables[kind]] = server.address;
    });

    it.each(names)("%s.ts prints what it prints on memory, and again", async (name) => {
      const expected = await printed("memory.ts");
      expect(await printed(`${name}.ts`)).toBe(expected);
      expect(await printed(`${name}.ts`)).toBe(expected);
    });
  });
}
