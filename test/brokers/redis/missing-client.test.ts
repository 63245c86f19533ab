import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "../../../scripts/entry-points.ts";

const hooks = `export function resolve(name, context, next) {
  if (name !== "redis") return next(name, context);
  throw Object.assign(new Error("Cannot find package 'redis'"), { code: "ERR_MODULE_NOT_FOUND" });
}`;

const program = `
import { register } from "node:module";
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});
const { RedisBroker } = await import("./src/brokers/redis/index.ts");
await new RedisBroker().connect().catch((error) => console.log(error.name + ": " + error.message));
`;

it("without the package of the client, connecting says what to install", { timeout: 30_000 }, () => {
  const args = ["--import", "tsx", "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stdout.trim(), stderr).toBe(
    'ConnectFailedError: Connecting to "redis" failed: its client is not installed; run: npm install redis@^6.0.0.',
  );
});
