import { describe, expect, it } from "vitest";
import { breaches, cycles, packagesLoadedBy } from "./dependency-rule.ts";
import { parseModule, readModules } from "./modules.ts";

const modules = readModules("src", "conformance");

describe("the dependency rule", () => {
  it("holds in src/ and conformance/", () => {
    expect(breaches(modules)).toEqual([]);
  });

  it("sees every form of import", () => {
    const module = parseModule(
      "src/traits/planted.ts",
      `import { a } from "../runtime/a.ts";
       import type { B } from "../sources/b.ts";
       export * from "../testing/c.ts";
       export type { D } from "../../conformance/d.ts";
       export const e = await import("fast-check");
       export type F = import("../brokers/memory/f.ts").F;
       import "p-queue";
       import { fine } from "./clock.ts";
       import { alsoFine } from "node:events";`,
    );
    expect(breaches([module]).map((line) => line.split(" ")[2])).toEqual([
      "src/runtime/a.ts:",
      "src/sources/b.ts:",
      "src/testing/c.ts:",
      "conformance/d.ts:",
      "fast-check:",
      "src/brokers/memory/f.ts:",
      "p-queue:",
    ]);
  });

  it("keeps one broker out of another, ix out of its root, and a second door out of src/", () => {
    const planted = [
      parseModule("src/brokers/memory/a.ts", `import "../other/b.ts"; import "../shared/c.ts";`),
      parseModule("src/structures/d.ts", `import "ix"; import "ix/asynciterable/merge";`),
      parseModule("src/second.ts", `import "./traits/index.ts";`),
      parseModule("src/brokers/nats/index.ts", `import "../jetstream/index.ts";`),
      parseModule("src/brokers/nats/broker.ts", `import "../jetstream/client.ts";`),
    ];
    expect(breaches(planted)).toEqual([
      expect.stringContaining("src/brokers/memory/a.ts:1 imports src/brokers/other/b.ts"),
      expect.stringContaining("src/structures/d.ts:1 imports ix"),
      expect.stringContaining("src/second.ts"),
      expect.stringContaining("src/brokers/nats/broker.ts:1 imports src/brokers/jetstream/client.ts"),
    ]);
  });
});

describe("import cycles", () => {
  it("are nowhere in what is loaded", () => {
    expect(cycles(modules, { types: false })).toEqual([]);
  });

  it("are nowhere in src/, types included", () => {
    const inSource = modules.filter(({ path }) => path.startsWith("src/"));
    expect(cycles(inSource, { types: true })).toEqual([]);
  });

  it("would be named", () => {
    const planted = [
      parseModule("src/traits/a.ts", `import "./b.ts";`),
      parseModule("src/traits/b.ts", `export * from "./c.ts";`),
      parseModule("src/traits/c.ts", `import { a } from "./a.ts"; import type { B } from "./b.ts";`),
    ];
    const loaded = "src/traits/a.ts -> src/traits/b.ts -> src/traits/c.ts -> src/traits/a.ts";
    expect(cycles(planted, { types: false })).toEqual([loaded]);
    const ofTypes = "src/traits/b.ts -> src/traits/c.ts -> src/traits/b.ts";
    expect(cycles(planted, { types: true })).toEqual([loaded, ofTypes]);
  });

  it("would be named where every import in them is of a type", () => {
    const planted = [
      parseModule("src/traits/a.ts", `import type { B } from "./b.ts";`),
      parseModule("src/traits/b.ts", `export type { A } from "./a.ts";`),
      parseModule("src/traits/c.ts", `export type D = import("./d.ts").D;`),
      parseModule("src/traits/d.ts", `import { type C } from "./c.ts";`),
    ];
    expect(cycles(planted, { types: true })).toEqual([
      "src/traits/a.ts -> src/traits/b.ts -> src/traits/a.ts",
      "src/traits/c.ts -> src/traits/d.ts -> src/traits/c.ts",
    ]);
  });
});

describe("what an entry point loads", () => {
  it.each([
    ["src/index.ts", ["ix", "p-queue"]],
    ["src/sources/index.ts", ["ix"]],
    ["src/testing/index.ts", ["ix", "p-queue"]],
    ["src/brokers/amqp/index.ts", ["amqplib", "ix"]],
    ["src/brokers/nats/index.ts", ["ix", "nats"]],
    ["conformance/index.ts", ["fast-check", "ix", "p-queue"]],
  ])("%s loads no package but %j", (entry, allowed) => {
    expect(modules.map((module) => module.path)).toContain(entry);
    expect(allowed).toEqual(expect.arrayContaining([...packagesLoadedBy(entry, modules)]));
  });
});
