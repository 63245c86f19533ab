import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { bundlePackage } from "./bundle.ts";
import { entryPoints, root } from "./entry-points.ts";
import { run } from "./steps.ts";

/** `npm run build` writes dist: the bundled code, and the declarations file by file. */
rmSync(`${root}/dist`, { recursive: true, force: true });
const { code, output } = await run(["tsc", "-p", "tsconfig.build.json"]);
if (code === 0) {
  await bundlePackage(`${root}/dist`);
  nameNodeTypes();
} else console.error(output);
process.exitCode = code;

/** The declarations speak of Node's types, and a program that says nothing of `types` has none by itself. */
function nameNodeTypes(): void {
  for (const { source } of entryPoints) {
    const file = `${root}/dist${source.slice(root.length)}`.replace(/\.ts$/, ".d.ts");
    writeFileSync(file, `/// <reference types="node" />\n${readFileSync(file, "utf8")}`);
  }
}
