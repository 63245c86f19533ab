import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nats } from "../../../scripts/brokers/nats.ts";
import { installedServers, isCurrent } from "../../../scripts/brokers/nats-server.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "tidelane-programs-")));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function install(output: string): string {
  const program = join(folder, "nats-server");
  writeFileSync(program, `#!/bin/sh\necho "${output}"\n`);
  chmodSync(program, 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
  return program;
}

it.each([
  ["2.9.10", false],
  ["1.4.1", false],
  ["2.10.0", true],
  ["2.15.3", true],
  ["3.0.0-dev", true],
])("nats-server %s is supported: %s", (version, expected) => {
  expect(isCurrent(version)).toBe(expected);
});

it("finds an installed server with its version", async () => {
  const program = install("nats-server: v2.15.3");
  expect(await installedServers()).toContainEqual({ program, version: "2.15.3" });
});

it("passes over an installed server that is too old, and says so", async () => {
  install("nats-server: v2.9.10");
  const [, installed] = nats.ways;
  const lines: string[] = [];
  const report = (line: string): void => void lines.push(line);
  const others = (await installedServers()).filter(({ version }) => isCurrent(version));
  if (others.length > 0) return;
  expect(await installed?.plan({ folder, options: {}, report })).toBe(
    "no nats-server of 2.10 or later on the PATH",
  );
  expect(lines.join()).toContain("is nats-server 2.9.10: older than 2.10");
});
