import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";

interface Entry {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

const lock: { packages: Record<string, Entry> } = JSON.parse(
  readFileSync(`${root}/package-lock.json`, "utf8"),
);

// A registry that lacks a package of another platform makes `npm install` leave it out, and then `npm ci` refuses to run.
it("the lock file has every optional package, those of other platforms too", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !(`${path}/node_modules/${name}` in lock.packages || `node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
});

// esbuild's only checks that its binary runs; npm 11 does not run it at all.
it("installing needs no install script", () => {
  const scripts = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript);
  expect(scripts.map(([path]) => path)).toEqual(["node_modules/esbuild"]);
});
