import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import ts from "typescript";
import { root } from "../../scripts/entry-points.ts";

export interface Import {
  /** A path from the top of the repository for a relative import; the specifier itself for a package or `node:`. */
  readonly to: string;
  readonly relative: boolean;
  /** Erased by the compiler: no module is loaded for it. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Module {
  /** From the top of the repository: "src/traits/clock.ts". */
  readonly path: string;
  readonly source: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** Every TypeScript file under the folders, parsed. */
export function readModules(...folders: string[]): Module[] {
  return folders.flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name.replaceAll("\\", "/")))
      .sort()
      .map((path) => parseModule(path, readFileSync(`${root}/${path}`, "utf8"))),
  );
}

export function parseModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  visit(source, (node) => {
    const found = importOf(node);
    if (found === undefined) return;
    const relative = found.specifier.startsWith(".");
    const to = relative ? join(dirname(path), found.specifier) : found.specifier;
    imports.push({ to, relative, typeOnly: found.typeOnly, line: lineOf(source, node) });
  });
  return { path, source, imports };
}

/** Calls back for every node below `node`, parents first. */
export function visit(node: ts.Node, callback: (node: ts.Node) => void): void {
  ts.forEachChild(node, (child) => {
    callback(child);
    visit(child, callback);
  });
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** `import`, `export from`, `import()` and the type `import("...")`. */
function importOf(node: ts.Node): { specifier: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { specifier: textOf(node.moduleSpecifier), typeOnly };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return { specifier: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: textOf(node.arguments[0]), typeOnly: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: textOf(node.argument.literal), typeOnly: true };
  }
  return undefined;
}

/** Stands for a module whose name is computed. */
export const computed = "(computed)";

function textOf(node: ts.Node | undefined): string {
  return node && ts.isStringLiteralLike(node) ? node.text : computed;
}
