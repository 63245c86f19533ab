import ts from "typescript";
import { lineOf, type Module, visit } from "./modules.ts";

const names = new Set(["setTimeout", "setInterval", "setImmediate", "performance", "hrtime"]);
const calls = new Set(["Date.now", "AbortSignal.timeout"]);

export interface TimeUse {
  readonly what: string;
  readonly line: number;
}

/** Where a module reads the time or sets a timer by itself, in whatever form. Types do not count. */
export function usesOfGlobalTime(module: Module): TimeUse[] {
  const uses: TimeUse[] = [];
  visit(module.source, (node) => {
    const what = useOf(node);
    if (what !== undefined) uses.push({ what, line: lineOf(module.source, node) });
  });
  for (const found of module.imports) {
    if (/^node:(timers|perf_hooks)/.test(found.to)) uses.push({ what: found.to, line: found.line });
  }
  return uses;
}

function useOf(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && names.has(node.text) && !ts.isTypeQueryNode(node.parent)) return node.text;
  if (ts.isPropertyAccessExpression(node)) {
    const text = `${node.expression.getText()}.${node.name.text}`.replace(/^globalThis\./, "");
    if (calls.has(text)) return text;
  }
  const bare = ts.isNewExpression(node) && (node.arguments?.length ?? 0) === 0;
  return bare && node.expression.getText() === "Date" ? "new Date()" : undefined;
}
