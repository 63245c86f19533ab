import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installPackage } from "../../scripts/brokers/debian.ts";
import { freePorts } from "../../scripts/brokers/ports.ts";
import { findProgram } from "../../scripts/brokers/programs.ts";
import { UnavailableError } from "./contestant.ts";

export interface RedisServer {
  /** "Redis 7.0.15" */
  readonly name: string;
  readonly address: string;
  remove(): Promise<void>;
}

const variable = "TIDELANE_REDIS_URL";
const startMs = 20_000;

/** The server in the environment, else one of our own on loopback, which ends with `remove`. */
export async function redisServer(report: (line: string) => void): Promise<RedisServer> {
  const address = process.env[variable] ?? "";
  if (address !== "") return { name: `Redis at the address in ${variable}`, address, remove: async () => {} };
  const program = await findServer(report);
  const [port = 0] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), "tidelane-compare-redis-"));
  // What https://docs.bullmq.io/guide/going-to-production asks for: an append-only file, and no eviction.
  const settings = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"];
  const place = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  // The program looks at its own name. Debian's file has another name, and "redis-server" is a link to it.
  const child = spawn(program, [...place, ...settings], { argv0: "redis-server", stdio: "ignore" });
  const remove = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { name: `Redis ${await versionOf(port)}`, address: `redis://127.0.0.1:${port}`, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function findServer(report: (line: string) => void): Promise<string> {
  const installed = findProgram("redis-server");
  if (installed !== undefined) return installed;
  const reason = await installPackage("redis-server", report);
  const program = findProgram("redis-server");
  if (program !== undefined) return program;
  throw new UnavailableError(
    `No redis-server on the PATH, and no Debian package of it (${reason}); install one, or set ${variable}.`,
  );
}

/** Resolves when the server answers. */
async function versionOf(port: number): Promise<string> {
  const deadline = performance.now() + startMs;
  for (;;) {
    const version = await askVersion(port);
    if (version !== undefined) return version;
    if (performance.now() > deadline)
      throw new UnavailableError(`redis-server did not answer on 127.0.0.1:${port} within ${startMs} ms.`);
    await sleep(50);
  }
}

function askVersion(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    let text = "";
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("connect", () => socket.write("INFO server\r\n"));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (/redis_version:.*\n/.test(text)) socket.destroy();
    });
    // What goes wrong closes the socket as well.
    socket.on("error", () => {});
    socket.on("close", () => resolve(/redis_version:([\d.]+)/.exec(text)?.[1]));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}
