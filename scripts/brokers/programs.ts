import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is: the first of `folders`, then of the PATH, that has it executable. Links are followed. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  return findPrograms(name, folders)[0];
}

/** Every program of that name, in the order of `folders` and then the PATH. */
export function findPrograms(name: string, folders: readonly string[] = []): readonly string[] {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const files = [...folders, ...path].flatMap((folder) => {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile() ? [realpathSync(file)] : [];
    } catch {
      // Not in this folder.
      return [];
    }
  });
  return [...new Set(files)];
}

export interface Answer {
  readonly ok: boolean;
  /** Both outputs as they came, and what stopped it if it did not end by itself. */
  readonly output: string;
}

/** Runs a program to its end with its output kept. One that is missing or takes too long answers `ok: false`. */
export function ask(
  program: string,
  args: readonly string[],
  options: { timeoutMs: number; env?: Readonly<Record<string, string>> },
): Promise<Answer> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => resolve({ ok: false, output: error.message }));
    child.once("close", (code, stopped) => {
      const reason = stopped === null ? "" : `\n${program} was stopped after ${options.timeoutMs} ms`;
      resolve({ ok: code === 0, output: `${output.trim()}${reason}`.trim() });
    });
  });
}

/** The last `count` lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
