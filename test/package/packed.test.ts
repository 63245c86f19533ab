import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { entryPoints, root } from "../../scripts/entry-points.ts";
import { exportsFile } from "../../scripts/exported-names.ts";
import { run } from "../../scripts/steps.ts";

const installed = inject("installed");
const bare = inject("installedBare");

/** Runs `code` as a plain ESM program beside an installed package. */
function program(folder: string, code: string): ReturnType<typeof run> {
  writeFileSync(join(folder, "program.mjs"), code);
  return run([process.execPath, "program.mjs"], { cwd: folder });
}

describe("the packed package", () => {
  it("holds the build and the documents, nothing else", () => {
    const folder = join(installed, "node_modules/tidelane");
    expect(readdirSync(folder).sort()).toEqual([
      "ARCHITECTURE.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "LICENSE",
      "README.md",
      "dist",
      "docs",
      "examples",
      "package.json",
    ]);
    const kinds = readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes("."))
      .map((name) => name.replace(/^.*?((\.d)?\.\w+)$/, "$1"));
    expect([...new Set(kinds)].sort()).toEqual([".d.ts", ".js"]);
  });

  it("has what its documents link to, and tells a registry where they came from", () => {
    const folder = join(installed, "node_modules/tidelane");
    const dead = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => {
        const text = readFileSync(join(folder, name), "utf8");
        const links = Array.from(text.matchAll(/\]\(([^)#\s]+)/g), ([, link]) => link ?? "");
        return links
          .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(folder, dirname(name), link)))
          .map((link) => `${name}: ${link}`);
      });
    expect(dead).toEqual([]);
    const { repository, homepage, bugs } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(repository.url).toMatch(/^git\+https:.*\.git$/);
    expect([homepage, bugs]).toEqual([expect.any(String), expect.any(String)]);
  });

  it.each(entryPoints.map((entry) => [entry.name, entry] as const))(
    "gives %s to plain node",
    async (name, entry) => {
      const code = `console.log(Object.keys(await import("${name}")).join("\\n"))`;
      const { output } = await program(installed, code);
      const accepted = readFileSync(exportsFile(entry), "utf8").trimEnd().split("\n");
      const values = accepted.filter((line) => /^(class|function|const) /.test(line));
      expect(output.trimEnd().split("\n").sort()).toEqual(values.map((line) => line.split(" ")[1]).sort());
    },
  );

  it.each([
    ["fast-check", "tidelane/conformance"],
    ["cborg", "tidelane/cbor"],
    ["@msgpack/msgpack", "tidelane/msgpack"],
  ])("names %s when %s is imported without it", async (peer, entry) => {
    const { code, output } = await program(bare, `await import("${entry}")`);
    expect(output).toContain(peer);
    expect(code).toBe(1);
  });

  it("needs no peer for anything else", async () => {
    const others = entryPoints.filter(({ name }) => !/conformance|cbor|msgpack/.test(name));
    const { code, output } = await program(bare, others.map((entry) => `import "${entry.name}";`).join("\n"));
    expect({ code, output }).toEqual({ code: 0, output: "" });
  });

  it("type-checks and runs in a consumer without the DOM library and without skipLibCheck", async () => {
    const tsc = `${root}/node_modules/typescript/bin/tsc`;
    const compiled = await run([process.execPath, tsc, "-p", "consumer"], { cwd: installed });
    expect(compiled).toEqual({ code: 0, output: "" });
    const ran = await run([process.execPath, "consumer/out/main.js"], { cwd: installed });
    expect(ran).toEqual({ code: 0, output: "orders: 3 handled, 0 left\n" });
  });
});
