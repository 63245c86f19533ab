import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { bundlePackage } from "../../scripts/bundle.ts";
import { entryPoints } from "../../scripts/entry-points.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Which checkout of the library a loop runs: this one, or the one that `--against` names. */
export type Tree = "this" | "other";

const folders: Readonly<Record<Tree, string>> = {
  this: join(root, ".cache", "bench"),
  other: join(root, ".cache", "bench-other"),
};

/**
 * Writes the library as it is published, and the bench as plain modules: what is measured is what users run. (A loader
 * that compiles on the way adds to every function it sees.) Resolves with the folder of the bench there.
 *
 * `library` is the checkout whose library is built. The bench is this one's, and so are the packages both stand on.
 */
export async function buildTree(tree: Tree = "this", library?: string): Promise<string> {
  const built = folders[tree];
  rmSync(built, { recursive: true, force: true });
  await bundlePackage(built, library);
  await build({
    absWorkingDir: root,
    entryPoints: [...modulesIn("bench"), "test/conformance/memory-fixture.ts"],
    outbase: root,
    outdir: built,
    format: "esm",
    platform: "node",
    target: "es2022",
    bundle: true,
    plugins: [fileByFile],
    logLevel: "error",
  });
  mkdirSync(built, { recursive: true });
  writeFileSync(join(built, "package.json"), '{ "type": "module" }\n');
  // What the peers import is found from where they are compiled to. It may not be installed yet.
  symlinkSync(join(root, "bench", "peers", "node_modules"), join(built, "bench", "peers", "node_modules"));
  return join(built, "bench");
}

function modulesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : modulesIn(path);
    return path.endsWith(".ts") ? [join(root, path)] : [];
  });
}

/** The bench is not bundled: only the names of what is imported are rewritten. */
const fileByFile: Plugin = {
  name: "file-by-file",
  setup(plugin) {
    plugin.onResolve({ filter: /.*/ }, ({ path, kind, importer }) => {
      if (kind === "entry-point") return undefined;
      const entry = entryPoints.find(({ name }) => name === path);
      if (entry === undefined) return { path: path.replace(/^(\..*)\.ts$/, "$1.js"), external: true };
      const target = relative(dirname(importer), entry.source).replace(/\.ts$/, ".js");
      return { path: target.startsWith(".") ? target : `./${target}`, external: true };
    });
  },
};
