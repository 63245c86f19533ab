import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it, vi } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { extractSnippets, type Snippet } from "./snippets.ts";
import { Workbench } from "./workbench.ts";

const fixtures = "test/docs/fixtures";

const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
afterAll(() => log.mockRestore());

function read(name: string): Snippet[] {
  return extractSnippets(`${fixtures}/${name}`, readFileSync(`${root}/${fixtures}/${name}`, "utf8"));
}

describe("extracting snippets", () => {
  it("takes the TypeScript fences with their marks", () => {
    expect(read("sound.md").map(({ line, file, setup, noRun }) => ({ line, file, setup, noRun }))).toEqual([
      { line: 11, file: "order.ts", setup: undefined, noRun: false },
      { line: 20, file: undefined, setup: "fixture", noRun: false },
      { line: 30, file: undefined, setup: undefined, noRun: false },
      { line: 37, file: undefined, setup: undefined, noRun: true },
    ]);
  });

  it("takes the indent of a list away", () => {
    expect(read("sound.md")[2]?.code).toMatch(/^import .*\nif /);
  });

  it("refuses a mark it does not know, and an open fence", () => {
    expect(() => extractSnippets("a.md", "x\n```ts norun\n```")).toThrow('a.md:2: "norun" is not a mark');
    expect(() => extractSnippets("a.md", "```ts\nx\n")).toThrow("a.md:1: this fence is not closed");
  });
});

describe("a sound document", () => {
  const snippets = read("sound.md");
  const workbench = new Workbench(snippets);
  afterAll(() => workbench.remove());

  it("type-checks", { timeout: 60_000 }, () => {
    expect(workbench.typeErrors()).toEqual([]);
  });

  it("runs to its end, clean-up included", async () => {
    for (const snippet of snippets.filter((candidate) => !candidate.noRun)) await workbench.run(snippet);
    expect(log.mock.calls).toEqual([["closed after order 1"]]);
  });
});

describe("an unsound document", () => {
  const snippets = read("unsound.md");
  const workbench = new Workbench(snippets);
  afterAll(() => workbench.remove());

  it("is told its type errors by line", { timeout: 60_000 }, () => {
    expect(workbench.typeErrors()).toEqual([
      expect.stringContaining(`${fixtures}/unsound.md:5 Type 'number' is not assignable to type 'string'`),
      expect.stringContaining(`${fixtures}/unsound.md:10 Property 'line' does not exist`),
    ]);
  });

  it("is told which snippet failed, and why", async () => {
    const [, forgotten, thrown] = snippets as [Snippet, Snippet, Snippet];
    await expect(workbench.run(forgotten)).rejects.toThrow(`${fixtures}/unsound.md:8 failed:`);
    await expect(workbench.run(thrown)).rejects.toThrow(`${fixtures}/unsound.md:13 failed: on purpose`);
  });
});
