import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** A program as it is started. Plain data: it is kept on disk, so that a later process can start it again. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** All it gets besides PATH, HOME, LANG, TMPDIR and JAVA_HOME of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** One process for good: a process id comes back for another program, an id and its start time do not. */
export interface ProcessRef {
  readonly pid: number;
  /** The boot and the moment the process started in, as the system tells them. */
  readonly started: string;
}

interface Status {
  readonly started: string;
  /** Ended, and its parent has not asked how. */
  readonly zombie: boolean;
}

const inherited = ["PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME"];

/**
 * Starts a program that outlives this process, at the head of a process group of its own, with what it
 * prints appended to `log`. Rejects if there is no such program.
 */
export async function launch(command: Command, options: { cwd: string; log: string }): Promise<ProcessRef> {
  const output = openSync(options.log, "a");
  try {
    const child = spawn(command.program, command.args, {
      cwd: options.cwd,
      detached: true,
      env: { ...environment(), ...command.env },
      stdio: ["ignore", output, output],
    });
    child.unref();
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return referTo(child.pid ?? 0);
  } finally {
    closeSync(output);
  }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    inherited.flatMap((name) => [[name, process.env[name] ?? ""]]).filter(([, v]) => v),
  );
}

/** The process with this id now. One that has just ended gets a start time no process has. */
export function referTo(pid: number): ProcessRef {
  return { pid, started: statusOf(pid)?.started ?? "ended" };
}

export function isAlive(ref: ProcessRef): boolean {
  const status = statusOf(ref.pid);
  return status !== undefined && !status.zombie && status.started === ref.started;
}

/** Sends a signal to the process and its group, before it returns. False if that process has ended. */
export function signal(ref: ProcessRef, name: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false;
  try {
    process.kill(-ref.pid, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** True once the process is gone, false if it still is there after `timeoutMs`. */
export async function gone(ref: ProcessRef, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(ref)) {
    if (performance.now() > deadline) return false;
    await pause(10);
  }
  return true;
}

/** Resident memory of one process in MiB, 0 when it is gone. */
export function residentMiB(ref: ProcessRef): number {
  if (!isAlive(ref)) return 0;
  return Math.round(residentKiB(ref.pid) / 1024);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function residentKiB(pid: number): number {
  if (process.platform !== "linux") return Number(ps(pid, "rss="));
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function statusOf(pid: number): Status | undefined {
  return process.platform === "linux" ? linuxStatus(pid) : posixStatus(pid);
}

function linuxStatus(pid: number): Status | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in brackets, and may itself contain spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return { started: `${boot} ${fields[19]}`, zombie: fields[0] === "Z" };
  } catch {
    return undefined;
  }
}

function posixStatus(pid: number): Status | undefined {
  const [, state, started] = /^(\S+)\s+(.+)$/.exec(ps(pid, "stat=,lstart=")) ?? [];
  return state === undefined || started === undefined
    ? undefined
    : { started, zombie: state.startsWith("Z") };
}

function ps(pid: number, columns: string): string {
  return (spawnSync("ps", ["-o", columns, "-p", String(pid)], { encoding: "utf8" }).stdout ?? "").trim();
}
