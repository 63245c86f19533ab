import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { withLock } from "../../../scripts/brokers/lock.ts";
import { referTo } from "../../../scripts/brokers/processes.ts";
import { root } from "../../../scripts/entry-points.ts";

const folder = mkdtempSync(join(tmpdir(), "tidelane-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("withLock", () => {
  it("lets one in at a time, and leaves no file", async () => {
    const file = join(folder, "one", "at-a-time.lock");
    let inside = 0;
    const seen = await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock(file, 10_000, async () => {
          inside++;
          await new Promise(setImmediate);
          return inside--;
        }),
      ),
    );
    expect(seen).toEqual([1, 1, 1, 1, 1]);
    expect(readdirSync(join(folder, "one"))).toEqual([]);
  });

  it("holds between processes", async () => {
    const file = join(folder, "processes.lock");
    const counter = join(folder, "counter");
    writeFileSync(counter, "0");
    const script = `
      import { readFileSync, writeFileSync } from "node:fs";
      import { withLock } from ${JSON.stringify(`${root}/scripts/brokers/lock.ts`)};
      for (let turn = 0; turn < 20; turn++) {
        await withLock(${JSON.stringify(file)}, 30_000, async () => {
          const count = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
          await new Promise(setImmediate);
          writeFileSync(${JSON.stringify(counter)}, String(count + 1));
        });
      }`;
    const codes = await Promise.all([run(script), run(script), run(script)]);
    expect(codes).toEqual([0, 0, 0]);
    expect(readFileSync(counter, "utf8")).toBe("60");
  }, 60_000);

  it("is taken over from a process that ended holding it", async () => {
    const file = join(folder, "stale.lock");
    // Another process has this one's id by now: it started at another time.
    writeFileSync(file, JSON.stringify({ pid: process.pid, started: "before" }));
    expect(await withLock(file, 1000, async () => "mine")).toBe("mine");
  });

  it("names the process that holds it too long", async () => {
    const file = join(folder, "held.lock");
    writeFileSync(file, JSON.stringify(referTo(process.pid)));
    await expect(withLock(file, 0, async () => {})).rejects.toThrow(
      `${file} is held by process ${process.pid} for more than 0 ms.`,
    );
  });

  it("is released when the work fails", async () => {
    const file = join(folder, "failing.lock");
    await expect(withLock(file, 0, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(file, 0, async () => 1)).toBe(1);
  });
});

function run(script: string): Promise<number | null> {
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    cwd: root,
    stdio: "inherit",
  });
  return new Promise((resolve) => child.once("close", resolve));
}
