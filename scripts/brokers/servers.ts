import { mkdirSync, rmSync } from "node:fs";
import { ServerUnavailableError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isAlive, type ProcessRef, referTo } from "./processes.ts";
import type { Plan, ServerKind, ServerOptions, Way } from "./recipe.ts";
import { recipes } from "./recipes.ts";
import { folderOf, readRecord, readRecords, type ServerRecord, writeRecord } from "./record.ts";
import { lockOf, Server } from "./server.ts";

/** An installation of the server may be part of a start, so others wait long. */
const lockMs = 900_000;

export type Report = (line: string) => void;

export interface SharedOptions {
  /** Who needs the server: it is ended when the last of them has released it. Default: the run of tests this is part of, or this process. */
  readonly user?: ProcessRef;
  /** Started by hand: it stays until `downServers`. Default: false. */
  readonly keep?: boolean;
  readonly report?: Report;
}

/**
 * The one server of its kind that everybody in this checkout shares: the one in the environment, or else
 * started by the first who asks. Rejects with `ServerUnavailableError` where it cannot be had. Not for tests
 * that end servers: those use `startServer`.
 */
export async function sharedServer(kind: ServerKind, options: SharedOptions = {}): Promise<Server> {
  const { user = currentUser(), keep = false, report = say } = options;
  const external = await externalServer(kind);
  if (external) {
    await external.ready();
    return external;
  }
  return withLock(lockOf(kind), lockMs, async () => {
    const record = readRecord(kind);
    if (record === undefined) {
      const identity = { kind, name: kind, users: keep ? [] : [user], kept: keep };
      return create(identity, waysToStart(kind), {}, report);
    }
    const users = record.users.filter((other) => isAlive(other) && other.pid !== user.pid);
    writeRecord({ ...record, users: keep ? users : [...users, user], kept: record.kept || keep });
    const server = new Server(record);
    if (await server.running()) await server.ready();
    else {
      report(`${kind} was down: starting it again on its data`);
      await server.start();
    }
    return server;
  });
}

export interface OwnOptions extends ServerOptions {
  readonly report?: Report;
}

/** A server for the caller alone, with data of its own, to kill and restart. `remove()` it in the end. */
export async function startServer(kind: ServerKind, options: OwnOptions = {}): Promise<Server> {
  const { report = say, ...configuration } = options;
  const name = `${kind}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const ways = waysToStart(kind).filter(({ stopgap }) => stopgap !== true);
  return create({ kind, name, users: [referTo(process.pid)], kept: false }, ways, configuration, report);
}

/** Gives up every shared server `user` has asked for; those nobody else needs are ended. */
export async function releaseServers(user: ProcessRef, report: Report = say): Promise<void> {
  for (const { name } of readRecords()) {
    await removeIf(name, report, (record) => {
      const users = record.users.filter((other) => isAlive(other) && other.pid !== user.pid);
      if (users.length !== record.users.length) writeRecord({ ...record, users });
      return !record.kept && users.length === 0;
    });
  }
}

/** Ends servers whose users all died without releasing them. */
export async function removeOrphans(report: Report = say): Promise<void> {
  for (const { name } of readRecords()) {
    await removeIf(name, report, ({ kept, users }) => !kept && !users.some(isAlive));
  }
}

/** Ends the shared servers of these kinds, and orphans of tests. A server a running test started for itself stays. */
export async function downServers(kinds: readonly ServerKind[], report: Report = say): Promise<void> {
  for (const { name, kind } of readRecords()) {
    if (!kinds.includes(kind)) continue;
    await removeIf(name, report, ({ users }) => {
      const inUse = name !== kind && users.some(isAlive);
      if (inUse) report(`${name} stays: process ${users.find(isAlive)?.pid} started it for itself`);
      return !inUse;
    });
  }
}

/** The process that stands for a whole run: of the tests if there is one, else this one. */
function currentUser(): ProcessRef {
  return referTo(Number(process.env[userVariable] ?? process.pid));
}

/** Names the process of a run of tests to its workers. */
export const userVariable = "TIDELANE_BROKERS_USER";

async function removeIf(
  name: string,
  report: Report,
  condition: (record: ServerRecord) => boolean,
): Promise<void> {
  await withLock(lockOf(name), lockMs, async () => {
    const record = readRecord(name);
    if (record === undefined || !condition(record)) return;
    const server = new Server(record);
    const process = (await server.running()) && record.main ? `process ${record.main.pid}, ` : "";
    await server.remove();
    report(`${name} ended: ${process}its data is deleted`);
  });
}

/** The server named in the environment, whether it answers or not; undefined if none is. */
export async function externalServer(kind: ServerKind): Promise<Server | undefined> {
  const [environment] = recipes[kind].ways;
  const plan = await environment?.plan({ folder: "", options: {}, report: say });
  if (plan === undefined || typeof plan === "string") return undefined;
  return new Server({ ...plan, kind, name: kind, users: [], kept: true });
}

type Identity = Pick<ServerRecord, "kind" | "name" | "users" | "kept">;

/** All but the first, which is an address in the environment. */
function waysToStart(kind: ServerKind): readonly Way[] {
  return recipes[kind].ways.slice(1);
}

async function create(
  identity: Identity,
  ways: readonly Way[],
  options: ServerOptions,
  report: Report,
): Promise<Server> {
  const { kind, name } = identity;
  const folder = folderOf(name);
  mkdirSync(folder, { recursive: true });
  try {
    const plan = await firstPlan(ways, kind, { folder, options, report });
    const record: ServerRecord = { ...plan, ...identity };
    writeRecord(record);
    const server = new Server(record);
    const start = performance.now();
    await server.start();
    report(started(server, performance.now() - start));
    return server;
  } catch (error) {
    const record = readRecord(name);
    if (record) await new Server(record).remove();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function firstPlan(
  ways: readonly Way[],
  kind: ServerKind,
  site: Parameters<Way["plan"]>[0],
): Promise<Plan> {
  const reasons: string[] = [];
  for (const way of ways) {
    const plan = await way.plan(site);
    if (typeof plan !== "string") return plan;
    reasons.push(`${way.name}: ${plan}`);
  }
  throw new ServerUnavailableError(kind, reasons, recipes[kind].advice);
}

function started(server: Server, ms: number): string {
  const process = server.process ? `, process ${server.process.pid}` : "";
  const { address, user } = server.contact;
  const where = user ? address.replace(`${user.password}@`, "***@") : address;
  return `${server.name} started at ${where}: ${server.how}${process}, ready in ${(ms / 1000).toFixed(1)} s`;
}

function say(line: string): void {
  console.log(line);
}
