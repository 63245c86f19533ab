import { createHash } from "node:crypto";
import { join } from "node:path";
import { root } from "../entry-points.ts";
import { freePorts } from "./ports.ts";
import { type Answer, ask, findProgram } from "./programs.ts";
import { isConfigured, type Launch, type ServerKind, type Way } from "./recipe.ts";

type Container = Extract<Launch, { type: "container" }>;

const compose: readonly (readonly string[])[] = [
  ["docker", "compose"],
  ["docker-compose"],
  ["podman", "compose"],
];

/** The way through a container engine and compose.yaml. The service has the server's name. */
export function container(service: ServerKind, address: (port: number) => string): Way {
  return {
    name: "container",
    async plan({ folder, options, report }) {
      if (isConfigured(options)) return "compose.yaml has one configuration only";
      const engine = await findEngine();
      if (typeof engine === "string") return engine;
      const [port = 0] = await freePorts(1);
      const launch: Container = {
        type: "container",
        service,
        engine: [...engine, "-p", projectOf(folder), "-f", join(root, "compose.yaml")],
        env: { [`TIDELANE_${service.toUpperCase()}_PORT`]: String(port) },
      };
      report(`pulling the image of ${service} (${engine.join(" ")} pull)`);
      const pulled = await run(launch, 600_000, "pull", "--quiet", service);
      if (!pulled.ok) return `${engine.join(" ")} pull failed: ${pulled.output.split("\n").at(-1)}`;
      const how = `${service} in a container of ${engine[0]} (compose.yaml)`;
      return { how, contact: { address: address(port) }, launch, durable: true };
    },
  };
}

/** The first compose whose engine answers; else why there is none. */
async function findEngine(): Promise<readonly string[] | string> {
  const reasons: string[] = [];
  for (const engine of compose) {
    const [program = "", ...args] = engine;
    if (findProgram(program) === undefined) continue;
    const version = await ask(program, [...args, "version"], { timeoutMs: 10_000 });
    const info = await ask(program === "docker-compose" ? "docker" : program, ["info"], {
      timeoutMs: 10_000,
    });
    if (version.ok && info.ok) return engine;
    reasons.push(version.ok ? `the engine of ${program} does not answer` : `${program} has no compose`);
  }
  return reasons.join(", ") || "no docker or podman on the PATH";
}

/** Names of compose projects are for the whole engine, so the folder is part of them. */
function projectOf(folder: string): string {
  return `tidelane-${createHash("sha256").update(folder).digest("hex").slice(0, 12)}`;
}

export function startContainer(launch: Container): Promise<Answer> {
  return run(launch, 120_000, "up", "-d", launch.service);
}

/** Resolves when it has ended. Its data stays. */
export function endContainer(launch: Container, how: "kill" | "stop"): Promise<Answer> {
  return run(launch, 60_000, how, launch.service);
}

export function removeContainer(launch: Container): Promise<Answer> {
  return run(launch, 60_000, "down", "--volumes", "--remove-orphans");
}

export async function containerRuns(launch: Container): Promise<boolean> {
  const { ok, output } = await run(launch, 30_000, "ps", "--quiet", "--status", "running", launch.service);
  return ok && output !== "";
}

export async function containerLog(launch: Container, lines: number): Promise<string> {
  return (await run(launch, 30_000, "logs", "--no-color", "--tail", String(lines), launch.service)).output;
}

function run(launch: Container, timeoutMs: number, ...args: string[]): Promise<Answer> {
  const [program = "", ...first] = launch.engine;
  return ask(program, [...first, ...args], { timeoutMs, env: launch.env });
}
