import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { build, type Plugin } from "esbuild";
import { entryPoints, root } from "./entry-points.ts";

/**
 * Names of options are made by a call, and a program's bundler keeps what a call may do. Marked as pure, those of parts
 * that the program does not import are left out of it.
 */
const pureNames: Plugin = {
  name: "pure option names",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      // Not in comments, of which one has an example.
      const contents = text.replace(/^(?! \*)(.*[:=] )(optionNames<)/gm, "$1/* @__PURE__ */ $2");
      return { contents, loader: "ts" };
    });
  },
};

/**
 * The code of the package as it is published: a file for each entry point, unminified, and what entries share in files
 * between them. Loading 60 files took twice as long as loading two: 48 ms and 22 ms for the root entry.
 * `folder` is another checkout, which may lack an entry point of this one.
 */
export async function bundlePackage(outdir: string, folder: string = root): Promise<void> {
  const sources = entryPoints.map(({ source }) => `${folder}${source.slice(root.length)}`);
  await build({
    entryPoints: folder === root ? sources : sources.filter((source) => existsSync(source)),
    outdir,
    outbase: folder,
    chunkNames: "shared/[hash]",
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20.19",
    logLevel: "warning",
    plugins: [pureNames],
  });
}
