import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { root } from "./entry-points.ts";

export interface Step {
  readonly name: string;
  /** A program and its arguments; one of node_modules/.bin is found by its bare name. */
  readonly command: readonly [program: string, ...args: string[]];
}

export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** Runs a command, by default at the top of the repository. Its output is kept, or shown as it comes when `live`. */
export function run(
  command: Step["command"],
  options: { cwd?: string; live?: boolean } = {},
): Promise<Finished> {
  const [program, ...args] = command;
  const path = `${root}/node_modules/.bin${delimiter}${process.env["PATH"]}`;
  return new Promise((resolve, reject) => {
    const output = options.live ? "inherit" : "pipe";
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, PATH: path },
      stdio: ["ignore", output, output],
    });
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}

/** Runs the steps one after another: a line for each, and the output of those that fail. Gives back their names. */
export async function runSteps(steps: readonly Step[]): Promise<string[]> {
  const failed: string[] = [];
  const width = Math.max(...steps.map((step) => step.name.length));
  for (const step of steps) {
    const start = performance.now();
    const { code, output } = await run(step.command);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${code === 0 ? "ok  " : "FAIL"}  ${step.name.padEnd(width)}  ${seconds.padStart(5)} s`);
    if (code === 0) continue;
    failed.push(step.name);
    console.log(`      ${step.command.join(" ")}\n\n${output.trimEnd()}\n`);
  }
  return failed;
}
