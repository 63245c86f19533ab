import { randomUUID } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const name = /^lock-(\d+)-/;

/**
 * Makes this process the only one that works in a folder, and returns a function that unlocks it.
 *
 * Each process writes a file of its own, and then looks for others. So if two start together, at least one sees the
 * other and gives up. A process that was killed leaves its file. If no process has its number, the file is deleted.
 * If another program has that number by now, this process refuses to start, which is safe.
 */
export function lock(folder: string): () => void {
  const own = `lock-${process.pid}-${randomUUID()}`;
  writeFileSync(join(folder, own), "");
  for (const other of readdirSync(folder)) {
    const [, pid] = name.exec(other) ?? [];
    if (pid === undefined || other === own) continue;
    if (isAlive(Number(pid))) {
      rmSync(join(folder, own), { force: true });
      throw new Error(`process ${pid} is at work in it, as the file ${other} says`);
    }
    rmSync(join(folder, other), { force: true });
  }
  return () => rmSync(join(folder, own), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It may be there and belong to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
