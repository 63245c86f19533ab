import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isAlive, type ProcessRef, pause, referTo } from "./processes.ts";

/**
 * Runs `work` while no other process holds the lock `file`. Within a process, calls for the same file queue up
 * too. A lock whose holder has ended is taken over. Rejects after `timeoutMs` of waiting.
 */
export async function withLock<T>(file: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const own = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(own, JSON.stringify(referTo(process.pid)));
  try {
    await take(file, own, timeoutMs);
    try {
      return await work();
    } finally {
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

async function take(file: string, own: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!linked(own, file)) {
    const holder = read(file);
    if (holder !== undefined && !isAlive(holder.ref)) clear(file, holder.text, own);
    else if (performance.now() > deadline) {
      throw new Error(`${file} is held by process ${holder?.ref.pid ?? "?"} for more than ${timeoutMs} ms.`);
    } else await pause(50);
  }
}

/** A link appears in one step, with its content. So nobody sees an empty lock. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function read(file: string): { ref: ProcessRef; text: string } | undefined {
  try {
    const text = readFileSync(file, "utf8");
    return { ref: JSON.parse(text), text };
  } catch {
    // Released between the link and the read.
    return undefined;
  }
}

/** Moves a dead holder's lock away. If another was faster and holds it by now, it gets its lock back. */
function clear(file: string, text: string, own: string): void {
  const aside = `${own}.aside`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readFileSync(aside, "utf8") !== text) linked(aside, file);
  rmSync(aside, { force: true });
}
