import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { entryPoints } from "./entry-points.ts";
import { exportedNames, exportsFile } from "./exported-names.ts";

/** `npm run exports` prints what every entry point exports; with `-- --write` it becomes the accepted list. */
const names = exportedNames(entryPoints);
for (const entry of entryPoints) {
  const list = names.get(entry.name) ?? "";
  if (process.argv.includes("--write")) {
    const file = exportsFile(entry);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, list);
    console.log(`${file}: ${list.split("\n").length - 1} names`);
  } else {
    console.log(`# ${entry.name}\n${list}`);
  }
}
