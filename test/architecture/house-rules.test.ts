import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { packageJson, root } from "../../scripts/entry-points.ts";
import { lineOf, type Module, parseModule, readModules, visit } from "./modules.ts";

const modules = readModules("src", "conformance");
const longestFile = 400;

/** What `module` writes that this house does not, as "path:line what". */
function broken(module: Module): string[] {
  const found: string[] = [];
  visit(module.source, (node) => {
    const what = rule(node);
    if (what !== undefined) found.push(`${module.path}:${lineOf(module.source, node)} ${what}`);
  });
  return found;
}

/** Every class that extends `TidelaneError`, and that one. */
const tidelaneErrors = new Set(["TidelaneError"]);
for (const { source } of modules) {
  visit(source, (node) => {
    if (!ts.isClassDeclaration(node) || node.name === undefined) return;
    const bases = node.heritageClauses?.flatMap(({ types }) =>
      types.map(({ expression }) => expression.getText(source)),
    );
    if (bases?.includes("TidelaneError")) tidelaneErrors.add(node.name.text);
  });
}

function rule(node: ts.Node): string | undefined {
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) {
    const { right } = node;
    // Two copies of the library in one process have two classes of each error.
    if (ts.isIdentifier(right) && tidelaneErrors.has(right.text)) return `instanceof ${right.text}`;
  }
  if (ts.isEnumDeclaration(node)) return "enum";
  if (ts.isModuleDeclaration(node)) return "namespace";
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any";
  if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node)) return "default export";
  if (ts.isExportAssignment(node)) return "default export";
  const named =
    ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node);
  if (named && node.name && /^I[A-Z][a-z]/.test(node.name.text)) return `I prefix: ${node.name.text}`;
  if (named && node.name && /(Impl|Manager|Helper|Util)s?$/.test(node.name.text))
    return `name: ${node.name.text}`;
  return undefined;
}

describe("src/ and conformance/", () => {
  it("write no enum, namespace, any, default export, I prefix, empty name or instanceof an error of tidelane", () => {
    expect(modules.flatMap(broken)).toEqual([]);
  });

  it("would be caught writing one", () => {
    const planted = parseModule(
      "src/planted.ts",
      `enum A { B }
       namespace C {}
       let d: any;
       export default d;
       export default class E {}
       interface IThing {}
       class LaneManager {}
       interface InFlight { if: "any" }
       if (d instanceof DecodeError || d instanceof TypeError) throw d;`,
    );
    expect(broken(planted)).toEqual([
      "src/planted.ts:1 enum",
      "src/planted.ts:2 namespace",
      "src/planted.ts:3 any",
      "src/planted.ts:4 default export",
      "src/planted.ts:5 default export",
      "src/planted.ts:6 I prefix: IThing",
      "src/planted.ts:7 name: LaneManager",
      "src/planted.ts:9 instanceof DecodeError",
    ]);
  });

  it(`have no file over ${longestFile} lines`, () => {
    const long = modules
      .map((module) => `${module.path}: ${module.source.text.trimEnd().split("\n").length}`)
      .filter((line) => Number(line.split(": ")[1]) > longestFile);
    expect(long).toEqual([]);
  });

  it("name files and folders in kebab-case", () => {
    const odd = modules.filter(
      ({ path }) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)+[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path),
    );
    expect(odd.map((module) => module.path)).toEqual([]);
  });
});

describe("the documents", () => {
  it.each(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])(
    "%s names only npm scripts that exist",
    (file) => {
      expect(missingScripts(readFileSync(`${root}/${file}`, "utf8"))).toEqual([]);
    },
  );

  it("would be caught naming one that does not", () => {
    const text = "`npm run demo`, `npm test`, npm run --silent no-such -- --x; npm run no:such2.";
    expect(missingScripts(text)).toEqual(["no-such", "no:such2"]);
  });
});

function missingScripts(text: string): string[] {
  const named = text.matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(test)\b)/g);
  return [...named]
    .map((match) => match[1] ?? match[2] ?? "")
    .filter((name) => !(name in packageJson.scripts));
}
