import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

interface Growth {
  readonly handled: number;
  readonly peakInFlight: number;
  readonly residentMiB: number;
  readonly grewMiB: number;
}

it("a million messages behind a slow consumer do not grow the process by 32 MiB", async () => {
  const { stdout } = await promisify(execFile)("npx", [
    "tsx",
    "bench/resident-memory.ts",
    "1000000",
    "200000",
  ]);
  console.log(stdout.trim());
  const growth = JSON.parse(stdout) as Growth;
  expect(growth.handled).toBe(1_000_000);
  expect(growth.peakInFlight).toBeLessThanOrEqual(256);
  expect(growth.grewMiB).toBeLessThan(32);
});
