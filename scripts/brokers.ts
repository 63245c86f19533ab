import { isAlive } from "./brokers/processes.ts";
import { type ServerKind, serverKinds } from "./brokers/recipe.ts";
import { readRecords } from "./brokers/record.ts";
import { Server } from "./brokers/server.ts";
import { downServers, externalServer, removeOrphans, sharedServer } from "./brokers/servers.ts";

const usage = `npm run brokers -- up|down|status [${serverKinds.join("|")} ...]

up      starts real servers on 127.0.0.1, installs them where it can, and leaves them running
down    ends what was started here, by process id, and deletes its data
status  what there is, where it came from and whether it answers`;

/** Starts them side by side. True if all are there. */
async function up(kinds: readonly ServerKind[]): Promise<boolean> {
  await removeOrphans();
  const results = await Promise.allSettled(kinds.map((kind) => sharedServer(kind, { keep: true })));
  for (const result of results) {
    if (result.status === "rejected") console.error(messageOf(result.reason));
  }
  await status(kinds);
  return results.every((result) => result.status === "fulfilled");
}

async function status(kinds: readonly ServerKind[]): Promise<void> {
  for (const kind of kinds) {
    const external = await externalServer(kind);
    const started = readRecords().filter((record) => record.kind === kind);
    if (external) console.log(await describe(external));
    for (const record of started) {
      const users = record.users.filter(isAlive).map(({ pid }) => pid);
      const why = record.kept ? "started by hand" : `for process ${users.join(", ") || "none any more"}`;
      console.log(`${await describe(new Server(record))}; ${why}`);
    }
    if (external === undefined && started.length === 0) console.log(`${kind}: none`);
  }
}

async function describe(server: Server): Promise<string> {
  const answer = (await server.running()) ? await server.health().catch(messageOf) : "down";
  const process = server.process ? `; process ${server.process.pid}, ${server.memoryMiB()} MiB` : "";
  // What came in by the environment may hold somebody's password.
  const where = server.external ? "" : ` at ${server.address}`;
  return `${server.name}: ${answer}${where} (${server.how})${process}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function kindsFrom(names: readonly string[]): readonly ServerKind[] | undefined {
  const kinds = serverKinds.filter((kind) => names.length === 0 || names.includes(kind));
  return names.every((name) => serverKinds.some((kind) => kind === name)) ? kinds : undefined;
}

async function main([verb, ...names]: readonly string[]): Promise<boolean> {
  const kinds = kindsFrom(names);
  if (verb === "up" && kinds) return up(kinds);
  if (verb === "down" && kinds) await downServers(kinds);
  else if (verb === "status" && kinds) await status(kinds);
  else {
    console.error(usage);
    return false;
  }
  return true;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
