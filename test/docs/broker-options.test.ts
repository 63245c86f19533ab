import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { type Described, exportedOptions, tabledOptions } from "./option-tables.ts";

/** The pages of brokers, and the entry point whose options each describes. */
const pages: Readonly<Record<string, readonly [entry: string, described?: Described]>> = {
  "docs/brokers/memory.md": ["tidelane", { folders: ["src/brokers/memory/"] }],
  "docs/brokers/nats.md": ["tidelane/nats"],
  "docs/brokers/rabbitmq.md": ["tidelane/amqp"],
  "docs/brokers/kafka.md": ["tidelane/kafka"],
  "docs/brokers/redis.md": ["tidelane/redis"],
};

const headings = [
  "Connect",
  "Subscribe",
  "Publish",
  "Settle",
  "Order",
  "Retry",
  "Faults",
  "Limits",
  "Options",
];

describe("reading tables of options", () => {
  it("takes the names and the defaults of each type", () => {
    const page =
      "# X\n## Options\ntext\n### `A`\n| option | does | default |\n| --- | --- | --- |\n| `a` | x | `1` |\n| `b.c` | y, `z` | – |\n### `B`\n## More\n### `C`\n";
    expect([...tabledOptions(page)]).toEqual([
      [
        "A",
        [
          { name: "a", default: "1" },
          { name: "b.c", default: undefined },
        ],
      ],
      ["B", []],
    ]);
  });
});

describe.each(Object.entries(pages).filter(([page]) => existsSync(`${root}/${page}`)))(
  "%s",
  (page, [entry, described]) => {
    const markdown = readFileSync(`${root}/${page}`, "utf8");

    it("has the headings all pages of brokers have", () => {
      expect(Array.from(markdown.matchAll(/^## (.*)$/gm), ([, heading]) => heading)).toEqual(headings);
    });

    it("has every option, with the default its docstring names", { timeout: 30_000 }, () => {
      const expected = exportedOptions(entry, described);
      expect(expected.size).toBeGreaterThan(0);
      expect(Object.fromEntries(tabledOptions(markdown))).toEqual(Object.fromEntries(expected));
    });
  },
);
