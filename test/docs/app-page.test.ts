import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { exportedOptions, tabledOptions } from "./option-tables.ts";

const markdown = readFileSync(`${root}/docs/guide/app.md`, "utf8");

describe("docs/guide/app.md", () => {
  it("has every option of the app, with the default its docstring names", { timeout: 30_000 }, () => {
    const described = { folders: ["src/app/"], others: [] };
    const expected = exportedOptions("tidelane", described);
    for (const [name, options] of exportedOptions("tidelane/testing", {
      folders: ["src/testing/test-app"],
    })) {
      expected.set(name, options);
    }
    expect(Object.fromEntries(tabledOptions(markdown))).toEqual(Object.fromEntries(expected));
  });

  it("has every field of Health", { timeout: 30_000 }, () => {
    const fields = exportedOptions("tidelane", { folders: [], others: ["Health"] }).get("Health");
    const [, below = ""] = markdown.split("### `Health`\n");
    const [table = ""] = below.split(/^#/m);
    const names = Array.from(table.matchAll(/^\| `([^`]+)`/gm), ([, name = ""]) => name);
    expect(names).toEqual(fields?.map((field) => field.name));
  });
});
