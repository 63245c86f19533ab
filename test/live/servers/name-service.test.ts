import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { signal } from "../../../scripts/brokers/processes.ts";
import { readRecord } from "../../../scripts/brokers/record.ts";
import { describeLive } from "../describe-live.ts";
import { processesOf } from "./processes-of.ts";

await describeLive(
  "rabbitmq",
  "a rabbitmq server that has put another name service in the place of a dead one",
  (server) => {
    it("is removed with it", async () => {
      const record = readRecord(server.name);
      if (record?.launch.type !== "process" || !record.before || !record.launch.before) return;
      // What the node does by itself, once it has noticed.
      signal(record.before, "SIGKILL");
      const { program, env } = record.launch.before;
      await expect.poll(() => spawnSync(program, ["-names"], { env }).status).not.toBe(0);
      spawnSync(program, ["-daemon"], { env });
      await expect.poll(() => spawnSync(program, ["-names"], { env }).status).toBe(0);
      const { folder = "" } = server;
      await server.remove();
      await expect.poll(() => processesOf(folder), { timeout: 5000 }).toEqual([]);
    });
  },
  { own: true },
);
