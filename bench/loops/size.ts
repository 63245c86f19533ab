import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** KiB of the root entry, minified and gzipped, without its dependencies. */
export async function gzipped(): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../src/index.js", import.meta.url))],
    bundle: true,
    minify: true,
    packages: "external",
    platform: "node",
    format: "esm",
    write: false,
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length / 1024;
}
