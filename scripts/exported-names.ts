import ts from "typescript";
import { type EntryPoint, root } from "./entry-points.ts";

/** The exported names of each entry point, one "kind name" a line, sorted by name; types included. */
export function exportedNames(entries: readonly EntryPoint[]): Map<string, string> {
  const program = ts.createProgram(
    entries.map((entry) => entry.source),
    compilerOptions(),
  );
  const checker = program.getTypeChecker();
  return new Map(
    entries.map((entry) => {
      const file = program.getSourceFile(entry.source);
      if (file === undefined) throw new Error(`${entry.name}: there is no ${entry.source}.`);
      const module = checker.getSymbolAtLocation(file);
      const symbols = module ? checker.getExportsOfModule(module) : [];
      const lines = symbols
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map((symbol) => `${kindOf(symbol, checker)} ${symbol.name}`);
      return [entry.name, `${lines.join("\n")}\n`];
    }),
  );
}

/** Where the accepted list of an entry point is kept. */
export function exportsFile(entry: EntryPoint): string {
  return `${root}/test/architecture/exports/${entry.name.replaceAll("/", "-")}.txt`;
}

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const kinds: [ts.SymbolFlags, string][] = [
    [ts.SymbolFlags.Class, "class"],
    [ts.SymbolFlags.Function, "function"],
    [ts.SymbolFlags.Variable, "const"],
    [ts.SymbolFlags.Interface, "interface"],
    [ts.SymbolFlags.TypeAlias, "type"],
  ];
  const kind = kinds.find(([flag]) => target.flags & flag)?.[1];
  if (kind === undefined) throw new Error(`${symbol.name} is exported, but nothing exports it.`);
  // `export { type X }` of a class gives its type alone.
  const typeOnly = symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) ?? false;
  return typeOnly && (kind === "class" || kind === "const") ? `type-only ${kind}` : kind;
}

export function compilerOptions(config = "tsconfig.json"): ts.CompilerOptions {
  const file = `${root}/${config}`;
  const { config: json, error } = ts.readConfigFile(file, ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
  return ts.parseJsonConfigFileContent(json, ts.sys, root).options;
}
