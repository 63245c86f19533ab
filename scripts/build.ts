import { rmSync } from "node:fs";
import { build } from "esbuild";
import { entryPoints, root } from "./entry-points.ts";
import { run } from "./steps.ts";

/**
 * What is published: declarations file by file, and the code of each entry point in one file, with what entries share in
 * files between them. Loading 60 files took twice as long as loading two: 48 ms and 22 ms for the root entry.
 */
rmSync(`${root}/dist`, { recursive: true, force: true });
const { code, output } = await run(["tsc", "-p", "tsconfig.build.json"]);
if (code !== 0) {
  console.error(output);
  process.exit(1);
}
await build({
  entryPoints: entryPoints.map(({ source }) => source),
  outdir: `${root}/dist`,
  outbase: root,
  chunkNames: "shared/[hash]",
  bundle: true,
  splitting: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20.19",
  logLevel: "warning",
});
