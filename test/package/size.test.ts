import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, inject, it } from "vitest";
import { parseModule } from "../architecture/modules.ts";

const limitKiB = 20;

/** A built file and all it loads by relative imports, dependencies left out. */
function reachable(entry: string): Set<string> {
  const files = new Set([entry]);
  for (const file of files) {
    for (const found of parseModule(file, readFileSync(file, "utf8")).imports) {
      if (found.relative) files.add(found.to);
    }
  }
  return files;
}

it(`the root entry is at most ${limitKiB} KiB gzipped`, () => {
  const files = reachable(join(inject("installed"), "node_modules/tidelane/dist/src/index.js"));
  const text = [...files].map((file) => readFileSync(file, "utf8")).join("\n");
  const kib = gzipSync(text, { level: 9 }).length / 1024;
  expect(files.size).toBeGreaterThan(10);
  expect(kib).toBeLessThanOrEqual(limitKiB);
});
