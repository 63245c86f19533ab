import { readdirSync } from "node:fs";
import { build } from "esbuild";
import ts from "typescript";
import { root } from "../entry-points.ts";
import { type MutatedFile, mutate } from "./instrument.ts";
import type { Mutant } from "./mutant.ts";

/** What is mutated: the memory broker, and the outlet that brokers of servers are built on. */
const outlet = "src/structures/outlet.ts";
const memory = "src/brokers/memory";
const switchPath = `${root}/scripts/mutants/switch.ts`;

/** Mutates the sources and bundles them with the laws and what plays them, as one file `outfile`. */
export async function bundleMutants(outfile: string): Promise<readonly Mutant[]> {
  const files = mutateSources();
  const texts = new Map(files.map(({ file, text }) => [`${root}/${file}`, text]));
  await build({
    entryPoints: [`${root}/scripts/mutants/player.ts`],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    logLevel: "warning",
    // A CommonJS dependency asks for `require`.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    plugins: [
      {
        name: "mutants",
        setup: (bundler) => {
          bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = texts.get(path);
            return contents === undefined ? undefined : { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  return files.flatMap(({ mutants }) => mutants);
}

/** Every mutant there is, and the sources with them in. */
export function mutateSources(): MutatedFile[] {
  const broker = readdirSync(`${root}/${memory}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort();
  const paths = [outlet, ...broker.map((name) => `${memory}/${name}`)];
  const config = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: paths }, ts.sys, root);
  const names = paths.map((path) => `${root}/${path}`);
  const program = ts.createProgram(names, options);
  const files: MutatedFile[] = [];
  let nextId = 1;
  for (const name of names) {
    const source = program.getSourceFile(name);
    if (source === undefined) throw new Error(`${name} could not be read.`);
    const file = mutate(source, switchPath, nextId, program.getTypeChecker());
    nextId += file.mutants.length;
    files.push(file);
  }
  return files;
}
