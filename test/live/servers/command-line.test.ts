import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { isAlive } from "../../../scripts/brokers/processes.ts";
import { serverKinds } from "../../../scripts/brokers/recipe.ts";
import type { ServerRecord } from "../../../scripts/brokers/record.ts";
import type { Server } from "../../../scripts/brokers/server.ts";
import { root } from "../../../scripts/entry-points.ts";
import { describeLive } from "../describe-live.ts";
import { processesOf } from "./processes-of.ts";

/** Servers of its own, so that this test does not end those somebody works with. */
const folder = mkdtempSync(join(tmpdir(), "tidelane-brokers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const none = serverKinds.map((kind) => `${kind}: none\n`).join("");

const suite = (other: Server): void => {
  it("starts one server however often it is told to, and ends that one only", async () => {
    const [first, second] = await Promise.all([brokers("up", "nats"), brokers("up", "nats")]);
    expect([first?.code, second?.code]).toEqual([0, 0]);
    const { contact, main } = recordOf("nats");
    expect(`${first?.output}${second?.output}`.match(/nats started at/g)).toHaveLength(1);
    for (const run of [first, second, await brokers("status", "nats")]) {
      expect(run?.output).toContain(`with JetStream at ${contact.address}`);
    }

    expect(main && isAlive(main)).toBe(true);
    expect((await brokers("down")).output).toContain(`nats ended: process ${main?.pid}, its data is deleted`);
    expect(main && isAlive(main)).toBe(false);
    expect(await other.running()).toBe(true);
    expect((await brokers("status")).output).toBe(none);
  });

  it("does not end a process that has come by the id of a server that died", async () => {
    await brokers("up", "nats");
    const record = recordOf("nats");
    const { main } = record;
    if (main === undefined || other.process === undefined) throw new Error("Both are processes.");
    process.kill(main.pid, "SIGKILL");
    const recycled = { pid: other.process.pid, started: main.started };
    writeFileSync(fileOf("nats"), JSON.stringify({ ...record, main: recycled }));
    expect((await brokers("down")).output).toBe("nats ended: its data is deleted\n");
    expect(await other.running()).toBe(true);
  });

  it("starts a server that died again, on its data and at its address", async () => {
    await brokers("up", "nats");
    const { contact, main } = recordOf("nats");
    process.kill(main?.pid ?? 0, "SIGKILL");
    expect((await brokers("status", "nats")).output).toContain("nats: down at");
    expect((await brokers("up", "nats")).output).toContain("nats was down: starting it again on its data");
    expect(recordOf("nats").contact).toEqual(contact);
    await brokers("down");
  });

  it("says in one line how to get a server that cannot be had", async () => {
    const { code, output } = await brokers("up", "kafka", { PATH: "/nowhere", JAVA_HOME: "" });
    expect(code).toBe(1);
    expect(output).toMatch(
      /^No kafka server here \(.*\)\. To have one: install a JDK 17 .*\.\nkafka: none\n$/,
    );
  });

  it("explains itself", async () => {
    const { code, output } = await brokers("start");
    expect(code).toBe(1);
    expect(output).toContain("up|down|status [nats|rabbitmq|kafka|redis ...]");
    expect((await brokers("up", "mosquitto")).output).toBe(output);
  });

  it("leaves no process of any server after down", async () => {
    const { output } = await brokers("up");
    const started = serverKinds.filter((kind) => output.includes(`${kind} started`));
    expect(started).toContain("nats");
    for (const kind of started) expect(processesOf(join(folder, "servers", kind))).not.toEqual([]);
    await brokers("down");
    // The helpers of a killed Erlang node notice its end a moment later.
    await expect.poll(() => processesOf(folder), { timeout: 5000 }).toEqual([]);
    expect((await brokers("status")).output).toBe(none);
  });
};

await describeLive("nats", "npm run brokers", suite, { own: true });

interface Run {
  readonly code: number | null;
  readonly output: string;
}

function brokers(verb: string, ...rest: (string | Record<string, string>)[]): Promise<Run> {
  const names = rest.filter((item) => typeof item === "string");
  const env = Object.assign(
    {},
    process.env,
    { TIDELANE_BROKERS_FOLDER: folder },
    ...rest.slice(names.length),
  );
  const args = ["--import", "tsx", "scripts/brokers.ts", verb, ...names];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

function recordOf(name: string): ServerRecord {
  return JSON.parse(readFileSync(fileOf(name), "utf8"));
}

function fileOf(name: string): string {
  return join(folder, "servers", name, "record.json");
}
