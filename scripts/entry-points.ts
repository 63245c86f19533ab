import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the repository, without a trailing slash. */
export const root: string = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** One code entry of `exports` in package.json, and the source file it is built from. */
export interface EntryPoint {
  /** As users import it: "tidelane", "tidelane/testing". */
  readonly name: string;
  /** Absolute. */
  readonly source: string;
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

export const packageJson: PackageJson = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

export const entryPoints: readonly EntryPoint[] = Object.entries(packageJson.exports).flatMap(
  ([path, target]) => {
    if (typeof target === "string") return [];
    const source = target.default.replace("./dist/", `${root}/`).replace(/\.js$/, ".ts");
    return [{ name: path.replace(".", packageJson.name), source }];
  },
);
