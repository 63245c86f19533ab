import { build } from "esbuild";
import { entryPoints, root } from "./entry-points.ts";

/**
 * The code of the package as it is published: a file for each entry point, unminified, and what entries share in files
 * between them. Loading 60 files took twice as long as loading two: 48 ms and 22 ms for the root entry.
 */
export async function bundlePackage(outdir: string): Promise<void> {
  await build({
    entryPoints: entryPoints.map(({ source }) => source),
    outdir,
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
}
