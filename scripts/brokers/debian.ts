import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { ask, findProgram, lastLines } from "./programs.ts";

const policy = "/usr/sbin/policy-rc.d";
/** For every checkout on this machine: apt-get does not wait for another one's `update`. */
const lock = join(tmpdir(), `tidelane-apt-${process.getuid?.() ?? 0}.lock`);
const quiet = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };

/**
 * Installs a package of the distribution. Undefined once it is there; else the reason why it cannot be had so.
 * The service that comes with it is neither started now nor at the next boot.
 */
export async function installPackage(
  name: string,
  report: (line: string) => void,
): Promise<string | undefined> {
  if (!existsSync("/etc/debian_version")) return "this is no Debian";
  if (findProgram("apt-get") === undefined) return "apt-get is not on the PATH";
  if (process.getuid?.() !== 0) return `needs root: apt-get install ${name}`;
  return withLock(lock, 600_000, async () => {
    if (await isInstalled(name)) return undefined;
    report(`installing the Debian package ${name} (apt-get update, apt-get install)`);
    const before = await installed();
    const update = await aptGet("update", "-qq");
    const failed = await withoutServices(async () => {
      const install = await aptGet("install", "-y", "-qq", "--no-install-recommends", name);
      return install.ok ? undefined : `apt-get install ${name} failed: ${lastLines(install.output, 3)}`;
    });
    if (failed !== undefined)
      return update.ok ? failed : `${failed}; apt-get update: ${lastLines(update.output, 3)}`;
    await disableServices([...(await installed())].filter((line) => !before.has(line)));
    return undefined;
  });
}

function aptGet(...args: string[]): ReturnType<typeof ask> {
  return ask("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], { timeoutMs: 600_000, env: quiet });
}

async function isInstalled(name: string): Promise<boolean> {
  return (await installed()).has(name);
}

async function installed(): Promise<Set<string>> {
  const { output } = await ask("dpkg-query", ["--list"], { timeoutMs: 30_000, env: { COLUMNS: "200" } });
  const lines = output.split("\n").filter((line) => line.startsWith("ii"));
  return new Set(lines.map((line) => line.split(/\s+/)[1]?.replace(/:.*/, "") ?? ""));
}

/** A policy-rc.d that exits with 101 keeps packages from starting their services during the installation. */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  if (existsSync(policy)) return work();
  writeFileSync(policy, "#!/bin/sh\n# For the time of one apt-get of `npm run brokers`.\nexit 101\n", {
    mode: 0o755,
  });
  const remove = (): void => rmSync(policy, { force: true });
  const interrupted = (name: NodeJS.Signals): void => {
    remove();
    process.kill(process.pid, name);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.once(name, interrupted);
  try {
    return await work();
  } finally {
    for (const name of signals) process.off(name, interrupted);
    remove();
  }
}

/** The services of packages that were not here before are not to start at the next boot. */
async function disableServices(packages: readonly string[]): Promise<void> {
  if (findProgram("systemctl") === undefined || packages.length === 0) return;
  const { output } = await ask("dpkg-query", ["-L", ...packages], { timeoutMs: 30_000 });
  const units = output.match(/(?<=\/systemd\/system\/)[\w.-]+\.(service|socket)$/gm) ?? [];
  const ours = units.filter(
    (unit) => /^(nats-server|rabbitmq-server|epmd|redis-server)\b/.test(unit) && !unit.includes("@"),
  );
  if (ours.length > 0) await ask("systemctl", ["disable", "--quiet", ...ours], { timeoutMs: 30_000 });
}
