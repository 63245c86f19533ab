import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/entry-points.ts";

const folder = join(root, "bench", "peers");

/** Installs what bench/peers/package-lock.json names, unless that is there already. Throws where npm fails. */
export function installPeers(progress: (line: string) => void): void {
  if (installed()) return;
  progress("installing the peers");
  // Some name a newer Node in their package.json; all of them run on 20.
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["ci", ...options], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

/** The direct ones with their versions, once they are installed. */
export function peerVersions(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).dependencies;
}

function installed(): boolean {
  try {
    const there = statSync(join(folder, "node_modules", ".package-lock.json")).mtimeMs;
    return there >= statSync(join(folder, "package-lock.json")).mtimeMs;
  } catch {
    return false;
  }
}
