import ts from "typescript";
import type { Change } from "./mutant.ts";

const syntax = ts.SyntaxKind;

/** What a binary operator becomes, by the name of the mutation. */
const binary: Readonly<Partial<Record<ts.SyntaxKind, readonly (readonly [name: string, text: string])[]>>> = {
  [syntax.LessThanToken]: [
    ["boundary", "<="],
    ["negated", ">="],
  ],
  [syntax.LessThanEqualsToken]: [
    ["boundary", "<"],
    ["negated", ">"],
  ],
  [syntax.GreaterThanToken]: [
    ["boundary", ">="],
    ["negated", "<="],
  ],
  [syntax.GreaterThanEqualsToken]: [
    ["boundary", ">"],
    ["negated", "<"],
  ],
  [syntax.EqualsEqualsEqualsToken]: [["negated", "!=="]],
  [syntax.ExclamationEqualsEqualsToken]: [["negated", "==="]],
  [syntax.PlusToken]: [["arithmetic", "-"]],
  [syntax.MinusToken]: [["arithmetic", "+"]],
  [syntax.AsteriskToken]: [["arithmetic", "/"]],
  [syntax.AmpersandAmpersandToken]: [["logic", "||"]],
  [syntax.BarBarToken]: [["logic", "&&"]],
  [syntax.PlusEqualsToken]: [["arithmetic", "-="]],
  [syntax.MinusEqualsToken]: [["arithmetic", "+="]],
};

/** Methods whose call may be left out: what they are called on stands for it. */
const optionalMethods: ReadonlySet<string> = new Set(["filter", "sort", "reverse", "slice", "trim"]);
const swappedMethods: Readonly<Record<string, string>> = {
  every: "some",
  some: "every",
  max: "min",
  min: "max",
  push: "unshift",
  shift: "pop",
};

/** What `node` may become. The text of an error, and names of options, are for unit tests: no law reads them. */
export function changesOf(node: ts.Node, checker: ts.TypeChecker | undefined): Change[] {
  const source = node.getSourceFile();
  const original = node.getText(source);
  const change = (operator: string, replacement: string): Change => ({ operator, original, replacement });
  if (ts.isStatement(node)) return removal(node) ? [change("removed statement", "")] : [];
  if (!ts.isExpression(node) || isPlace(node)) return [];
  const values = valueChanges(node, change).filter(
    ({ operator }) => operator !== "negated" || !isCondition(node),
  );
  const changes = [...values, ...contextChanges(node, change)];
  if (ts.isCallExpression(node)) changes.push(...callChanges(node, change, checker));
  const seen = new Set([original]);
  return changes.filter(({ replacement }) => !seen.has(replacement) && seen.add(replacement));
}

/** Whether nothing of the node is to be changed. */
export function isLeftAlone(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  if (ts.isNewExpression(node)) return /Error$/.test(node.expression.getText());
  if (ts.isTemplateExpression(node)) return true;
  return ts.isCallExpression(node) && /\boptionNames\b|emitWarning/.test(node.expression.getText());
}

type MakeChange = (operator: string, replacement: string) => Change;

function valueChanges(node: ts.Expression, change: MakeChange): Change[] {
  if (ts.isBinaryExpression(node)) return binaryChanges(node, change);
  if (node.kind === syntax.TrueKeyword) return [change("boolean", "false")];
  if (node.kind === syntax.FalseKeyword) return [change("boolean", "true")];
  if (ts.isNumericLiteral(node)) {
    const value = Number(node.text);
    const more = change("constant", String(value + 1));
    return isCompared(node) ? [more] : [more, change("constant", `(${value - 1})`)];
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === syntax.ExclamationToken) {
    return [change("negated", node.operand.getText())];
  }
  if (ts.isAwaitExpression(node)) return [change("removed await", node.expression.getText())];
  if (ts.isArrayLiteralExpression(node)) {
    const left = node.elements.length === 1 ? node.elements : node.elements.filter(ts.isSpreadElement);
    return left.map((each) => change("removed element", list(node.elements, each, ["[", "]"])));
  }
  if (ts.isObjectLiteralExpression(node)) {
    const spreads = node.properties.filter(ts.isSpreadAssignment);
    return spreads.map((left) => change("removed element", list(node.properties, left, ["{ ", " }"])));
  }
  return [];
}

function binaryChanges(node: ts.BinaryExpression, change: MakeChange): Change[] {
  const { left, operatorToken, right } = node;
  const [before, after] = [left.getText(), right.getText()];
  const changes = (binary[operatorToken.kind] ?? []).map(([name, text]) =>
    change(name, `${before} ${text} ${after}`),
  );
  const logical =
    operatorToken.kind === syntax.AmpersandAmpersandToken ||
    operatorToken.kind === syntax.BarBarToken ||
    operatorToken.kind === syntax.QuestionQuestionToken;
  if (logical) changes.push(change("left operand only", before), change("right operand only", after));
  if (operatorToken.kind === syntax.MinusToken)
    changes.push(change("swapped operands", `${after} - ${before}`));
  return changes;
}

/** What the place of an expression allows: a condition may be decided, a loop may have nothing, a result may be fixed. */
function contextChanges(node: ts.Expression, change: MakeChange): Change[] {
  const { parent } = node;
  if ((ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node) {
    const decided = ts.isIfStatement(parent) ? ["true", "false"] : ["false"];
    return decided.map((text) => change("decided condition", text));
  }
  if (ts.isConditionalExpression(parent) && parent.condition === node) {
    return ["true", "false"].map((text) => change("decided condition", text));
  }
  if (ts.isForStatement(parent) && parent.condition === node) return [change("decided condition", "false")];
  if (ts.isForOfStatement(parent) && parent.expression === node) return [change("empty loop", "[]")];
  const body = ts.isReturnStatement(parent) ? enclosing(parent) : enclosedBy(node);
  return body === undefined ? [] : fixedResults(body.type).map((text) => change("fixed result", text));
}

/** It is decided both ways there, and that says more than its negation. */
function isCondition({ parent }: ts.Expression): boolean {
  return ts.isIfStatement(parent) || ts.isConditionalExpression(parent);
}

/** One less, where it is compared with, is what the boundary or the decided condition says. */
function isCompared({ parent }: ts.Expression): boolean {
  if (!ts.isBinaryExpression(parent)) return false;
  const [first] = binary[parent.operatorToken.kind] ?? [];
  return first !== undefined && (first[0] === "boundary" || first[0] === "negated");
}

function enclosing(node: ts.Node): ts.SignatureDeclaration | undefined {
  for (let at: ts.Node | undefined = node.parent; at !== undefined; at = at.parent) {
    if (ts.isFunctionLike(at)) return at;
  }
  return undefined;
}

function enclosedBy(node: ts.Expression): ts.ArrowFunction | undefined {
  const { parent } = node;
  return ts.isArrowFunction(parent) && parent.body === node ? parent : undefined;
}

function fixedResults(type: ts.TypeNode | undefined): string[] {
  if (type === undefined) return [];
  const text = type.getText();
  if (text === "boolean") return ["true", "false"];
  if (text === "number") return ["0"];
  if (/^(readonly )?[\w<>]+\[\]$|^Iterable</.test(text)) return ["[]"];
  return /\| undefined$/.test(text) ? ["undefined"] : [];
}

function callChanges(
  node: ts.CallExpression,
  change: MakeChange,
  checker: ts.TypeChecker | undefined,
): Change[] {
  const changes: Change[] = [];
  const { expression: callee, arguments: given } = node;
  if (ts.isPropertyAccessExpression(callee) && callee.questionDotToken === undefined) {
    const on = callee.expression.getText();
    const passed = given.map((argument) => argument.getText()).join(", ");
    const method = callee.name.text;
    if (optionalMethods.has(method) && !isStatement(node)) changes.push(change("removed call", on));
    const other = on === "Math" || !/^(max|min)$/.test(method) ? swappedMethods[method] : undefined;
    const isArray = checker === undefined || on === "Math" || isArrayType(checker, callee.expression);
    if (other !== undefined && isArray) changes.push(change("other method", `${on}.${other}(${passed})`));
  }
  for (const [index, argument] of given.entries()) {
    const next = given[index + 1];
    if (next === undefined || checker === undefined || isCheck(callee) || !areAlike(checker, argument, next))
      continue;
    const swapped = given.map((each) => each.getText());
    swapped.splice(index, 2, next.getText(), argument.getText());
    changes.push(change("swapped arguments", `${callee.getText()}(${swapped.join(", ")})`));
  }
  return changes;
}

/** The first argument of those is text for an error. */
function isCheck(callee: ts.Expression): boolean {
  return /^check/.test(callee.getText());
}

function isArrayType(checker: ts.TypeChecker, node: ts.Expression): boolean {
  return checker.isArrayLikeType(checker.getTypeAtLocation(node));
}

function areAlike(checker: ts.TypeChecker, a: ts.Expression, b: ts.Expression): boolean {
  const [one, other] = [a, b].map((node) =>
    checker.getBaseTypeOfLiteralType(checker.getTypeAtLocation(node)),
  );
  if (one === undefined || other === undefined || ts.isSpreadElement(a) || ts.isSpreadElement(b))
    return false;
  if ([a, b].every(isText)) return false;
  return checker.isTypeAssignableTo(one, other) && checker.isTypeAssignableTo(other, one);
}

function isText(node: ts.Expression): boolean {
  return ts.isStringLiteral(node) || ts.isTemplateExpression(node);
}

/** Whether a statement may go. One that an `if` alone guards is left: the decided condition is the same mutant. */
function removal(node: ts.Statement): boolean {
  const guarded = ts.isIfStatement(node.parent) && node.parent.elseStatement === undefined;
  if (guarded) return false;
  if (ts.isReturnStatement(node)) return node.expression === undefined;
  if (ts.isBreakStatement(node) || ts.isContinueStatement(node) || ts.isThrowStatement(node)) return true;
  return ts.isExpressionStatement(node) && !/^super\b/.test(node.getText());
}

/** Places, and parts of a chain of `?.`, cannot stand in parentheses. */
function isPlace(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isBinaryExpression(parent) && parent.left === node) {
    const { kind } = parent.operatorToken;
    if (kind >= syntax.FirstAssignment && kind <= syntax.LastAssignment) return true;
  }
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) return ts.isOptionalChain(parent);
  if (ts.isCallExpression(parent) && parent.expression === node) return true;
  return ts.isExpressionStatement(parent) && !ts.isBinaryExpression(node) && !ts.isAwaitExpression(node)
    ? !ts.isCallExpression(node)
    : false;
}

function isStatement(node: ts.Expression): boolean {
  return ts.isExpressionStatement(node.parent);
}

function list(nodes: readonly ts.Node[], left: ts.Node, [open, close]: readonly [string, string]): string {
  const kept = nodes.filter((node) => node !== left).map((node) => node.getText());
  return `${open}${kept.join(", ")}${close}`;
}
