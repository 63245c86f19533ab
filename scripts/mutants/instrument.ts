import { relative } from "node:path";
import ts from "typescript";
import { root } from "../entry-points.ts";
import type { Change, Mutant } from "./mutant.ts";
import { changesOf, isLeftAlone } from "./operators.ts";

export interface MutatedFile {
  readonly file: string;
  /** With every mutant in it, each off until it is activated. */
  readonly text: string;
  readonly mutants: readonly Mutant[];
}

/** What asks whether a mutant is active; the bundle has it from switch.ts. */
const question = "isActiveMutant";
const longestPart = 90;

/** Mutates one source file; its mutants are numbered from `firstId`. */
export function mutate(
  source: ts.SourceFile,
  switchPath: string,
  firstId: number,
  checker?: ts.TypeChecker,
): MutatedFile {
  const file = relative(root, source.fileName);
  const mutants: Mutant[] = [];
  const names = new Map<string, number>();

  const add = (node: ts.Node, change: Change): number => {
    const id = firstId + mutants.length;
    const { operator, original, replacement } = change;
    const becomes = replacement === "" ? "nothing" : short(replacement);
    const plain = `${file} ${ownerOf(node)} [${operator}] ${short(original)} => ${becomes}`;
    const count = (names.get(plain) ?? 0) + 1;
    names.set(plain, count);
    const name = count === 1 ? plain : `${plain} (${count})`;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    mutants.push({ id, name, file, line, operator, atLoad: isAtLoad(node) });
    return id;
  };

  const render = (node: ts.Node): string => {
    const { text } = source;
    if (isLeftAlone(node)) return text.slice(node.getStart(source), node.end);
    const changes = changesOf(node, checker).map((change) => ({ id: add(node, change), ...change }));
    let rendered = "";
    let position = node.getStart(source);
    ts.forEachChild(node, (child) => {
      rendered += text.slice(position, child.getStart(source)) + render(child);
      position = child.end;
    });
    rendered += text.slice(position, node.end);
    return wrap(node, rendered, changes);
  };

  const path = JSON.stringify(switchPath);
  const text = `import { isActive as ${question} } from ${path};\n${renderAll(source, render)}`;
  return { file, text, mutants };
}

function renderAll(source: ts.SourceFile, render: (node: ts.Node) => string): string {
  return source.statements.map((statement) => render(statement)).join("\n");
}

function wrap(node: ts.Node, rendered: string, changes: readonly (Change & { id: number })[]): string {
  if (changes.length === 0) return rendered;
  if (ts.isStatement(node)) {
    const off = changes.map(({ id }) => `!${question}(${id})`).join(" && ");
    // In braces: an `else` that follows belongs to an `if` before it.
    return `{ if (${off}) { ${rendered} } }`;
  }
  const cases = changes.map(({ id, replacement }) => `${question}(${id}) ? (${replacement}) : `);
  return `(${cases.join("")}(${rendered}))`;
}

/** The function, with its class, or the constant that the node is in. */
function ownerOf(node: ts.Node): string {
  const parts: string[] = [];
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    const name = nameOf(at);
    if (name !== undefined) parts.unshift(name);
  }
  return parts.join(".");
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  const isMember = ts.isMethodDeclaration(node) || ts.isAccessor(node) || ts.isPropertyDeclaration(node);
  if (isMember || ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return node.name?.getText();
  const isConstant = ts.isVariableDeclaration(node) && ts.isSourceFile(node.parent.parent.parent);
  return isConstant ? node.name.getText() : undefined;
}

function isAtLoad(node: ts.Node): boolean {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isFunctionLike(at)) return false;
    if (ts.isPropertyDeclaration(at))
      return at.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false;
  }
  return true;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= longestPart ? line : `${line.slice(0, longestPart)}…`;
}
