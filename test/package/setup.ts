import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packageJson, root } from "../../scripts/entry-points.ts";
import { run, type Step } from "../../scripts/steps.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder where the packed package is installed with its peers. */
    installed: string;
    /** The same without peers. */
    installedBare: string;
  }
}

const folder = mkdtempSync(join(tmpdir(), "tidelane-package-"));

/** Builds, packs and installs the package once for all tests of this folder. */
export async function setup(project: TestProject): Promise<void> {
  // Packing has to build by itself: whoever packs a fresh clone must not ship an empty package.
  rmSync(`${root}/dist`, { recursive: true, force: true });
  await must(["npm", "pack", "--pack-destination", folder]);
  project.provide("installed", await install("with-peers", Object.keys(packageJson.peerDependencies)));
  project.provide("installedBare", await install("bare", []));
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Installs the tarball; everything it needs comes by link from our own node_modules, so no registry is asked. */
async function install(name: string, peers: readonly string[]): Promise<string> {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  const dependencies: Record<string, string> = {
    [packageJson.name]: `file:../${packageJson.name}-${packageJson.version}.tgz`,
  };
  for (const needed of closure([...Object.keys(packageJson.dependencies), ...peers])) {
    dependencies[needed] = `file:${root}/node_modules/${needed}`;
  }
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  await must(["npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], cwd);
  cpSync(`${root}/test/package/consumer`, join(cwd, "consumer"), { recursive: true });
  return cwd;
}

/** The packages and everything they depend on. */
function closure(packages: readonly string[]): Set<string> {
  const found = new Set(packages);
  for (const name of found) {
    const json = readFileSync(`${root}/node_modules/${name}/package.json`, "utf8");
    const { dependencies = {} }: { dependencies?: Record<string, string> } = JSON.parse(json);
    for (const next of Object.keys(dependencies)) found.add(next);
  }
  return found;
}

async function must(command: Step["command"], cwd: string = root): Promise<void> {
  const { code, output } = await run(command, { cwd });
  if (code !== 0) throw new Error(`${command.join(" ")} failed:\n${output}`);
}
