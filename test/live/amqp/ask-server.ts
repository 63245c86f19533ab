import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { readRecord } from "../../../scripts/brokers/record.ts";
import type { Server } from "../../../scripts/brokers/server.ts";

/** Has a server that was started here evaluate an Erlang expression, and gives what it prints. */
export async function askServer(server: Server, expression: string): Promise<string> {
  const launch = readRecord(server.name)?.launch;
  if (launch?.type !== "process") throw new Error(`${server.name} was not started here: it cannot be asked`);
  const { program, env } = launch.main;
  const child = spawn(join(dirname(program), "rabbitmqctl"), ["eval", expression], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return said;
  throw new Error(`rabbitmqctl ended with ${code}: ${said}`);
}
