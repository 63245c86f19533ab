import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { root } from "../../scripts/entry-points.ts";
import { compilerOptions } from "../../scripts/exported-names.ts";
import { moduleName, placeOf, type Snippet } from "./snippets.ts";

interface Written {
  readonly snippet: Snippet;
  readonly path: string;
  /** Lines put before the code. */
  readonly before: number;
}

/** Snippets as modules in a folder of their own, one folder a document, so that they can be checked and run. */
export class Workbench {
  readonly #folder: string;
  readonly #written: readonly Written[];

  constructor(snippets: readonly Snippet[]) {
    mkdirSync(`${root}/.cache`, { recursive: true });
    this.#folder = mkdtempSync(`${root}/.cache/snippets-`);
    this.#written = snippets.map((snippet) => this.#write(snippet));
  }

  /** What the compiler has to say, each with the place in the document. Unused names are allowed in a document. */
  typeErrors(): string[] {
    const options: ts.CompilerOptions = {
      ...compilerOptions(),
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
    };
    const program = ts.createProgram(
      this.#written.map((written) => written.path),
      options,
    );
    // Only the snippets: what is wrong in src/ is for `npm run types` to say.
    return this.#written.flatMap((written) => {
      const file = program.getSourceFile(written.path);
      const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
      return found.map((diagnostic) => {
        const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
        return `${placeIn(written, diagnostic)} ${text}`;
      });
    });
  }

  /** Runs a snippet as a module. A rejection names the place; its cause is what the snippet threw. */
  async run(snippet: Snippet): Promise<void> {
    const written = this.#written.find((candidate) => candidate.snippet === snippet);
    if (written === undefined) throw new Error(`${placeOf(snippet)} is not on this workbench.`);
    try {
      await import(/* @vite-ignore */ written.path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${placeOf(snippet)} failed: ${reason}`, { cause });
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(snippet: Snippet): Written {
    const setup = snippet.setup ? `${readFileSync(setupFile(snippet.setup), "utf8").trimEnd()}\n` : "";
    const path = join(this.#folder, snippet.document.replace(/\.md$/, ""), moduleName(snippet));
    mkdirSync(dirname(path), { recursive: true });
    // The empty export makes a module of a snippet that has no import, so that it may await at its top.
    writeFileSync(path, `${setup}${snippet.code}\nexport {};\n`, { flag: "wx" });
    return { snippet, path, before: setup.split("\n").length - 1 };
  }
}

function placeIn({ snippet, before }: Written, { file, start = 0 }: ts.Diagnostic): string {
  const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
  if (line < before) return `test/docs/setup/${snippet.setup}.ts:${line + 1} (for ${placeOf(snippet)})`;
  return `${snippet.document}:${snippet.line + 1 + line - before}`;
}

function setupFile(name: string): string {
  return `${root}/test/docs/setup/${name}.ts`;
}
