import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { extractSnippets, placeOf } from "./snippets.ts";
import { Workbench } from "./workbench.ts";

const pages = existsSync(`${root}/docs`)
  ? readdirSync(`${root}/docs`, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"))
  : [];
const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", ...pages.map((page) => `docs/${page}`)];
const snippets = documents
  .filter((document) => existsSync(`${root}/${document}`))
  .flatMap((document) => extractSnippets(document, readFileSync(`${root}/${document}`, "utf8")));

const workbench = new Workbench(snippets);
afterAll(() => workbench.remove());

describe("the snippets of the documents", () => {
  beforeAll(() => {
    // They may print; the test report is not the place for it.
    const spies = [vi.spyOn(console, "log"), vi.spyOn(console, "error"), vi.spyOn(console, "table")];
    for (const spy of spies) spy.mockImplementation(() => undefined);
    return () => {
      for (const spy of spies) spy.mockRestore();
    };
  });

  it("type-check", { timeout: 60_000 }, () => {
    expect(workbench.typeErrors()).toEqual([]);
  });

  it("are left unrun only for a reason that is written down", () => {
    const listed = readFileSync(`${root}/test/docs/no-run.txt`, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith("#"))
      .map((line) => line.split(" | "));
    const marked = snippets.filter((snippet) => snippet.noRun);
    const keys = marked.map((snippet) => `${snippet.document} | ${snippet.code.trimStart().split("\n")[0]}`);
    expect(listed.map(([document, line]) => `${document} | ${line}`).sort()).toEqual(keys.sort());
    expect(listed.filter(([, , reason = ""]) => reason.trim().length < 10)).toEqual([]);
  });

  // Those of the other brokers' pages need a server: test/live/docs.test.ts runs them.
  const alone = snippets.filter(
    ({ document }) => !document.startsWith("docs/brokers/") || document === "docs/brokers/memory.md",
  );
  for (const snippet of alone.filter((candidate) => !candidate.noRun)) {
    it(`${placeOf(snippet)} runs`, { timeout: 60_000 }, async () => {
      await workbench.run(snippet);
    });
  }
});
