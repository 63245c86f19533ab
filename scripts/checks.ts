import type { Step } from "./steps.ts";

/** What `npm run check` does, cheapest first. The package steps use the build, so they stand last. */
export const checks: readonly Step[] = [
  { name: "format and lint", command: ["biome", "check", "--error-on-warnings", "."] },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "dependency rule", command: architecture("imports", "floor-plan") },
  { name: "exported names", command: architecture("exports") },
  { name: "house rules", command: architecture("clock", "house-rules", "errors", "lint", "lockfile") },
  { name: "unused code", command: ["knip"] },
  { name: "code only tests use", command: ["knip", "--production"] },
  { name: "build", command: ["npm", "run", "--silent", "build"] },
  { name: "package shape (publint)", command: ["publint", "--strict"] },
  { name: "package types (attw)", command: ["attw", "--profile", "esm-only", "--pack", "."] },
];

function architecture(...names: string[]): Step["command"] {
  const files = names.map((name) => `test/architecture/${name}.test.ts`);
  return ["vitest", "run", "--project", "unit", "--typecheck.enabled=false", ...files];
}
