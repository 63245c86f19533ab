import { basename } from "node:path";

/** A ```ts fence of a document. Its info string may carry marks, each used once: `file=NAME`, `setup=NAME`, `no-run`. */
export interface Snippet {
  /** From the top of the repository. */
  readonly document: string;
  /** The line of the fence, from 1. */
  readonly line: number;
  readonly code: string;
  /** Later snippets of the document import it as "./NAME". */
  readonly file: string | undefined;
  /** Put before the code: test/docs/setup/NAME.ts. */
  readonly setup: string | undefined;
  /** Only type-checked. Needs a line in test/docs/no-run.txt that gives the reason. */
  readonly noRun: boolean;
}

const opening = /^(\s*)(`{3,}|~{3,})\s*(.*)$/;

/** The TypeScript snippets of a Markdown text, in order. Throws on a mark it does not know and on an open fence. */
export function extractSnippets(document: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const [, indent = "", fence, info = ""] = opening.exec(lines[index] ?? "") ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && closes(line, fence));
    if (end < 0) throw new Error(`${document}:${index + 1}: this fence is not closed.`);
    const [language, ...marks] = info.trim().split(/\s+/);
    if (language === "ts" || language === "typescript") {
      const code = lines.slice(index + 1, end).map((line) => line.replace(indent, ""));
      snippets.push({
        document,
        line: index + 1,
        code: code.join("\n"),
        ...readMarks(marks, `${document}:${index + 1}`),
      });
    }
    index = end;
  }
  return snippets;
}

function closes(line: string, fence: string): boolean {
  const text = line.trim();
  return text.length >= fence.length && text === fence.charAt(0).repeat(text.length);
}

function readMarks(marks: readonly string[], where: string): Pick<Snippet, "file" | "setup" | "noRun"> {
  const read = {
    file: undefined as string | undefined,
    setup: undefined as string | undefined,
    noRun: false,
  };
  for (const mark of marks) {
    const [key, value = ""] = mark.split("=");
    if (key === "file" && /^[\w-]+\.ts$/.test(value)) read.file = value;
    else if (key === "setup" && /^[\w-]+$/.test(value)) read.setup = value;
    else if (mark === "no-run") read.noRun = true;
    else throw new Error(`${where}: "${mark}" is not a mark; there are file=NAME.ts, setup=NAME and no-run.`);
  }
  return read;
}

/** "README.md:12", as it stands in a report. */
export function placeOf(snippet: Snippet): string {
  return `${snippet.document}:${snippet.line}`;
}

/** The name of the module written for a snippet. */
export function moduleName(snippet: Snippet): string {
  return snippet.file ?? `${basename(snippet.document, ".md").toLowerCase()}-line-${snippet.line}.ts`;
}
