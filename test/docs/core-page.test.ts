import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { type Described, exportedOptions, tabledOptions } from "./option-tables.ts";

const markdown = readFileSync(`${root}/docs/core.md`, "utf8");

/** The options are declared in these; those of the memory broker have a page of their own. */
const options: Described = {
  folders: ["src/runtime/", "src/traits/"],
  others: ["Backoff", "DeadLetterTarget", "FailurePolicy"],
};

/** The first cells of the table below "### `heading`". */
function tabled(heading: string): string[] {
  const [, below = ""] = markdown.split(`### \`${heading}\`\n`);
  const [table = ""] = below.split(/^#/m);
  return Array.from(table.matchAll(/^\| `([^`]+)`/gm), ([, name = ""]) => name);
}

describe("docs/core.md", () => {
  it("has every option of the core, with the default its docstring names", { timeout: 30_000 }, () => {
    const expected = exportedOptions("tidelane", options);
    expect(Object.fromEntries(tabledOptions(markdown))).toEqual(Object.fromEntries(expected));
  });

  it.each(["RunStats"])("has every field of %s", { timeout: 30_000 }, (name) => {
    const fields = exportedOptions("tidelane", { folders: [], others: [name] }).get(name);
    expect(tabled(name)).toEqual(fields?.map((field) => field.name));
  });

  it("has every diagnostics channel with the fields of its payload", { timeout: 30_000 }, () => {
    const names = ["DiagnosticEvents", "ErrorReport"];
    const types = exportedOptions("tidelane", { folders: [], others: names });
    const expected = types.get("DiagnosticEvents")?.map(({ name }) => name) ?? [];
    const errorFields = types.get("ErrorReport")?.map(({ name }) => `tidelane:error.${name}`) ?? [];
    const rows = Array.from(markdown.matchAll(/^\| `(tidelane:\w+)` \| ([^|]+) \|/gm));
    const documented = rows.flatMap(([, channel, cell = ""]) =>
      Array.from(cell.matchAll(/`(\w+)`/g), ([, field]) => `${channel}.${field}`),
    );
    const inTypes = expected.flatMap((name) => (name === "tidelane:error" ? errorFields : [name]));
    expect(documented.sort()).toEqual(inTypes.sort());
  });
});
