import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { packageJson, root } from "../../scripts/entry-points.ts";
import { peerVersions } from "./peers.ts";

/** What has to be known of a machine to read its figures, by name. */
export type Environment = Readonly<Record<string, string>>;

const clients = ["nats", "amqplib", "kafkajs", "p-queue"];

/** `peers`: that they are measured too. */
export function describeEnvironment(peers: boolean): Environment {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    tidelane: `${packageJson.version}, commit ${commitOf(root)}`,
    node: `${process.version}, V8 ${process.versions.v8}`,
    system: `${type()} ${release()}`,
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    "load before": loadavg()
      .map((load) => load.toFixed(2))
      .join(", "),
    clients: clients.map((name) => `${name} ${versionOf(name)}`).join(", "),
    ...(peers && { peers: listOf(peerVersions()) }),
  };
}

function listOf(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map((entry) => entry.join(" "))
    .join(", ");
}

/** Of the checkout in `folder`. */
export function commitOf(folder: string): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

function versionOf(name: string): string {
  const folder = createRequire(`${root}/package.json`).resolve.paths(name)?.[0] ?? `${root}/node_modules`;
  try {
    return JSON.parse(readFileSync(`${folder}/${name}/package.json`, "utf8")).version;
  } catch {
    return "not installed";
  }
}
