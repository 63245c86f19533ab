import { rmSync } from "node:fs";
import { bundlePackage } from "./bundle.ts";
import { root } from "./entry-points.ts";
import { run } from "./steps.ts";

/** `npm run build` writes dist: the bundled code, and the declarations file by file. */
rmSync(`${root}/dist`, { recursive: true, force: true });
const { code, output } = await run(["tsc", "-p", "tsconfig.build.json"]);
if (code === 0) await bundlePackage(`${root}/dist`);
else console.error(output);
process.exitCode = code;
