import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entryPoints } from "../../scripts/entry-points.ts";
import { exportedNames, exportsFile } from "../../scripts/exported-names.ts";

const howTo = "When the change is meant: `npm run exports -- --write`, and name it in CHANGELOG.md.";
const names = exportedNames(entryPoints);

describe.each(entryPoints.map((entry) => [entry.name, entry] as const))("what %s exports", (name, entry) => {
  const lines = (names.get(name) ?? "").trimEnd().split("\n");

  it("is the accepted list", () => {
    const accepted = readFileSync(exportsFile(entry), "utf8").trimEnd().split("\n");
    const added = lines.filter((line) => !accepted.includes(line));
    const removed = accepted.filter((line) => !lines.includes(line));
    expect({ added, removed }, howTo).toEqual({ added: [], removed: [] });
  });

  it("is what a program finds there", { timeout: 60_000 }, async () => {
    const module: Record<string, unknown> = await import(entry.source);
    const values = lines.filter((line) => /^(class|function|const) /.test(line));
    expect(Object.keys(module).sort()).toEqual(values.map((line) => line.split(" ")[1]).sort());
  });
});
