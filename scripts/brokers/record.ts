import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../entry-points.ts";
import type { ProcessRef } from "./processes.ts";
import type { Plan, ServerKind } from "./recipe.ts";

/** Everything of the servers is in here: locks, and a folder for each server. Not under version control. */
export const brokersFolder: string = process.env["TIDELANE_BROKERS_FOLDER"] ?? join(root, ".brokers");

/** What is on disk about one server, so that any process can see, end and restart it. */
export interface ServerRecord extends Plan {
  readonly kind: ServerKind;
  /** Also the name of its folder. */
  readonly name: string;
  /** The processes as they were last started; those of containers belong to their engine. */
  readonly main?: ProcessRef;
  readonly before?: ProcessRef;
  /** Who needs it. It is ended with the last of them, unless it is to be kept. */
  readonly users: readonly ProcessRef[];
  /** Started by hand: stays until somebody says `down`. */
  readonly kept: boolean;
}

export function folderOf(name: string): string {
  return join(brokersFolder, "servers", name);
}

export function logOf(name: string): string {
  return join(folderOf(name), "server.log");
}

export function readRecord(name: string): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordOf(name), "utf8"));
  } catch {
    return undefined;
  }
}

/** In one step: a reader sees the old record or the new one. */
export function writeRecord(record: ServerRecord): void {
  mkdirSync(folderOf(record.name), { recursive: true });
  const file = recordOf(record.name);
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

export function readRecords(): ServerRecord[] {
  const folder = join(brokersFolder, "servers");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => readRecord(name) ?? []);
}

function recordOf(name: string): string {
  return join(folderOf(name), "record.json");
}
