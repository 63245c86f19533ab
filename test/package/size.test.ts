import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, inject, it } from "vitest";

const limitKiB = 20;

it(`the root entry is at most ${limitKiB} KiB, minified and gzipped, without its dependencies`, async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: [join(inject("installed"), "node_modules/tidelane/dist/src/index.js")],
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
  expect(packages.filter((path) => !path.startsWith("node:"))).toEqual(["p-queue"]);
  expect(gzipSync(bundle?.contents ?? "", { level: 9 }).length / 1024).toBeLessThanOrEqual(limitKiB);
});
