import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gone, isAlive, launch, referTo, residentMiB, signal } from "../../../scripts/brokers/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "tidelane-processes-"));
const site = { cwd: folder, log: join(folder, "log") };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shell(script: string, env: Record<string, string> = {}): Parameters<typeof launch>[0] {
  return { program: "/bin/sh", args: ["-c", script], env };
}

describe("launch", () => {
  it("keeps what the program prints, and gives it only the environment it is to have", async () => {
    process.env["TIDELANE_SECRET"] = "not for servers";
    const ref = await launch(shell("echo $GREETING $TIDELANE_SECRET; pwd >&2", { GREETING: "hello" }), site);
    delete process.env["TIDELANE_SECRET"];
    expect(await gone(ref, 5000)).toBe(true);
    expect(readFileSync(site.log, "utf8")).toBe(`hello\n${folder}\n`);
  });

  it("rejects where there is no such program", async () => {
    await expect(launch({ program: "/no/such", args: [], env: {} }, site)).rejects.toThrow("ENOENT");
  });
});

describe("signal", () => {
  it("ends a program and what it has started", async () => {
    const ref = await launch(shell("sleep 1000 & echo $!; exec sleep 1000"), {
      ...site,
      log: join(folder, "pid"),
    });
    expect(residentMiB(ref)).toBeGreaterThanOrEqual(0);
    await expect.poll(() => readFileSync(join(folder, "pid"), "utf8")).toMatch(/\d+\n/);
    const child = referTo(Number(readFileSync(join(folder, "pid"), "utf8")));
    expect(isAlive(child)).toBe(true);
    expect(signal(ref, "SIGKILL")).toBe(true);
    expect(await gone(ref, 5000)).toBe(true);
    expect(await gone(child, 5000)).toBe(true);
    expect(signal(ref, "SIGKILL")).toBe(false);
  });

  it("leaves another process alone that has come by the same id", async () => {
    const ref = await launch(shell("exec sleep 1000"), site);
    const recycled = { pid: ref.pid, started: "at another time" };
    expect(isAlive(recycled)).toBe(false);
    expect(signal(recycled, "SIGKILL")).toBe(false);
    expect(await gone(recycled, 0)).toBe(true);
    expect(isAlive(ref)).toBe(true);
    signal(ref, "SIGKILL");
  });

  it("tells that a process is still there when the time is over", async () => {
    const ref = await launch(shell("exec sleep 1000"), site);
    expect(await gone(ref, 20)).toBe(false);
    signal(ref, "SIGKILL");
  });
});
