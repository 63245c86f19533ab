import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, inject, it } from "vitest";

/** What a program has of tidelane, and the most KiB that may be. Nobody's bundle has all of the root entry. */
const programs: readonly (readonly [names: string, limitKiB: number])[] = [
  ["pipeline, byKey", 14],
  ["channel, createApp", 24],
  ["MemoryBroker", 14],
];

it.each(programs)(
  "a program that imports %s has at most %d KiB of it, minified and gzipped, without its dependencies",
  async (names, limitKiB) => {
    const entry = join(inject("installed"), "node_modules/tidelane/dist/src/index.js");
    const contents = `import { ${names} } from ${JSON.stringify(entry)}; console.log(${names});`;
    const { metafile, outputFiles } = await build({
      stdin: { contents, resolveDir: inject("installed") },
      bundle: true,
      minify: true,
      packages: "external",
      platform: "node",
      format: "esm",
      metafile: true,
      write: false,
    });
    const [bundle] = outputFiles;
    const packages = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path),
    );
    const allowed = ["ix/asynciterable/asyncsink", "p-queue"];
    expect(packages.filter((path) => !path.startsWith("node:") && !allowed.includes(path))).toEqual([]);
    expect(gzipSync(bundle?.contents ?? "", { level: 9 }).length / 1024).toBeLessThanOrEqual(limitKiB);
  },
);
