import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { rmSync } from "node:fs";
import { bundlePackage } from "./scripts/bundle.ts";
const out = "/tmp/wt/app/.x-dist";
rmSync(out, { recursive: true, force: true });
await bundlePackage(out);
for (const names of ["channel, createApp", "pipeline, byKey"]) {
  const { metafile, outputFiles } = await build({ stdin: { contents: `import { ${names} } from "${out}/src/index.js"; console.log(${names});`, resolveDir: "/tmp/wt/app" }, bundle: true, minify: true, packages: "external", platform: "node", format: "esm", metafile: true, write: false });
  console.log(names, (gzipSync(outputFiles[0]!.contents, { level: 9 }).length/1024).toFixed(2), outputFiles[0]!.contents.length);
}
// by source file
const { metafile } = await build({ stdin: { contents: `import { channel, createApp } from "/tmp/wt/app/src/index.ts"; console.log(channel, createApp);`, resolveDir: "/tmp/wt/app" }, bundle: true, minify: true, packages: "external", platform: "node", format: "esm", metafile: true, write: false, treeShaking: true });
const inputs = Object.values(metafile.outputs)[0]!.inputs;
const rows = Object.entries(inputs).map(([p, { bytesInOutput: n }]) => [n, p] as const).filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]);
if (process.argv[2]) { console.log(rows.map(([n, p]) => `${n} ${p}`).join("\n")); }
rmSync(out, { recursive: true, force: true });
