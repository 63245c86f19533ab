import ts from "typescript";
import { entryPoints } from "../../scripts/entry-points.ts";
import { compilerOptions } from "../../scripts/exported-names.ts";

/** An option as its docstring has it, or as a page has it. */
export interface OptionRow {
  /** With the ones above it: `inbox.maxMessages`. */
  readonly name: string;
  /** Without backquotes; undefined where there is none. */
  readonly default: string | undefined;
}

/**
/** Which types of an entry point a page describes. */
export interface Described {
  /** Those named for options or settings that are declared below one of these. @default anywhere */
  readonly folders?: readonly string[];
  /** Those of these names. */
  readonly others?: readonly string[];
}

/** The options of exported types, by the name of the type. */
export function exportedOptions(
  entryPoint: string,
  { folders = [""], others = [] }: Described = {},
): Map<string, OptionRow[]> {
  const source = entryPoints.find(({ name }) => name === entryPoint)?.source;
  if (source === undefined) throw new Error(`There is no entry point "${entryPoint}".`);
  const program = ts.createProgram([source], compilerOptions());
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(source);
  const module = file && checker.getSymbolAtLocation(file);
  const symbols = (module ? checker.getExportsOfModule(module) : []).map((symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  );
  const isChosen = ({ name, declarations }: ts.Symbol): boolean => {
    if (others.includes(name)) return true;
    const file = declarations?.[0]?.getSourceFile().fileName ?? "";
    const isOptions = /(Options|Settings)$/.test(name) && !name.startsWith("Client");
    return isOptions && folders.some((folder) => file.includes(folder));
  };
  const chosen = symbols.filter(isChosen);
  const exported = new Set(chosen);
  return new Map(chosen.map((symbol) => [symbol.name, rowsOf(symbol, checker, exported)]));
}

/** What it says itself, and what it has from a base that is not exported, and so not described elsewhere. */
function rowsOf(symbol: ts.Symbol, checker: ts.TypeChecker, exported: ReadonlySet<ts.Symbol>): OptionRow[] {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const bases = type.isClassOrInterface() ? checker.getBaseTypes(type) : [];
  const elsewhere = new Set(
    bases
      .filter((base) => base.symbol !== undefined && exported.has(base.symbol))
      .flatMap((base) => base.getProperties().map(({ name }) => name)),
  );
  const own = type.getProperties().filter(({ name }) => !elsewhere.has(name));
  return own.flatMap((property) => rowsOfProperty(property, "", checker));
}

function rowsOfProperty(property: ts.Symbol, above: string, checker: ts.TypeChecker): OptionRow[] {
  const name = `${above}${property.name}`;
  const declared = property.declarations?.find(ts.isPropertySignature)?.type;
  if (declared !== undefined && ts.isTypeLiteralNode(declared)) {
    const inner = checker.getTypeFromTypeNode(declared).getProperties();
    return inner.flatMap((each) => rowsOfProperty(each, `${name}.`, checker));
  }
  const tag = property.getJsDocTags(checker).find((each) => each.name === "default");
  const text = ts.displayPartsToString(tag?.text).replace(/\s+/g, " ").trim();
  return [{ name, default: text === "" ? undefined : plain(text) }];
}

/**
 * The tables below "## Options" of a page: "### `TypeName`", then rows of option, what it does, and default, where "–" is
 * none.
 */
export function tabledOptions(markdown: string): Map<string, OptionRow[]> {
  const [, options = ""] = markdown.split(/^## Options$/m);
  const [section = ""] = options.split(/^## /m);
  const tables = section.split(/^### /m).slice(1);
  return new Map(
    tables.map((text) => {
      const [heading = "", ...lines] = text.split("\n");
      const rows = lines.map((line) => /^\|\s*`([^`]+)`\s*\|.*\|(.*)\|\s*$/.exec(line));
      const found = rows.flatMap((row) => (row === null ? [] : [rowOf(row[1] ?? "", row[2] ?? "")]));
      return [plain(heading), found];
    }),
  );
}

function rowOf(name: string, cell: string): OptionRow {
  const text = plain(cell);
  return { name, default: text === "–" ? undefined : text };
}

function plain(text: string): string {
  return text.replaceAll("`", "").trim();
}
