import { referTo } from "../../scripts/brokers/processes.ts";
import { releaseServers, removeOrphans, userVariable } from "../../scripts/brokers/servers.ts";

/** The servers this run shares are started by the first test that asks for one, and end with the run. */
export async function setup(): Promise<void> {
  process.env[userVariable] = String(process.pid);
  await removeOrphans();
}

export async function teardown(): Promise<void> {
  await releaseServers(referTo(process.pid));
}
