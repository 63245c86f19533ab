import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "redis";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { container } from "./container.ts";
import { installPackage } from "./debian.ts";
import { freePorts } from "./ports.ts";
import { ask, findProgram } from "./programs.ts";
import {
  type Contact,
  fromEnvironment,
  type Plan,
  type Recipe,
  type ServerOptions,
  type Site,
} from "./recipe.ts";

const variable = "TIDELANE_REDIS_URL";
/** By its name and not its file: Debian's is a link to redis-check-rdb, which goes by what it is called as. */
const program = "redis-server";

export const redis: Recipe = {
  kind: "redis",
  ways: [
    fromEnvironment(variable),
    {
      name: "installed",
      plan: async (site) => (await fromProgram(site, "installed")) ?? "no redis-server on the PATH",
    },
    {
      name: "Debian package",
      async plan(site) {
        const reason = await installPackage("redis-server", site.report);
        return reason ?? (await fromProgram(site, "Debian package")) ?? "the package has no redis-server";
      },
    },
    container("redis", (port) => `redis://127.0.0.1:${port}`),
  ],
  advice: `install redis-server (Debian: apt-get install redis-server), start a container engine, or set ${variable}`,
  startMs: 30_000,
  declarationMs: 0,
  health,
};

async function fromProgram(site: Site, source: string): Promise<Plan | undefined> {
  if (findProgram(program) === undefined) return undefined;
  const { folder, options } = site;
  const [port = 0] = await freePorts(1);
  const certificate = options.tls ? await makeCertificate(folder) : undefined;
  const file = join(folder, "redis.conf");
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(file, configuration(folder, port, options, certificate));
  const { user } = options;
  const login = user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : "";
  return {
    how: `redis-server ${await version()}, ${source}`,
    contact: {
      address: `${certificate ? "rediss" : "redis"}://${login}127.0.0.1:${port}`,
      ...(user && { user }),
      ...(certificate && { ca: certificate.cert }),
    },
    launch: { type: "process", main: { program, args: [file], env: {} } },
    durable: true,
  };
}

/**
 * With `appendfsync everysec` the server postpones a write for up to two seconds while the disk is busy, and answers
 * meanwhile: what was confirmed then does not outlive a SIGKILL. With `always` it does.
 */
function configuration(
  folder: string,
  port: number,
  options: ServerOptions,
  certificate?: Certificate,
): string {
  const { user, config = [] } = options;
  const text = JSON.stringify;
  return `${[
    "bind 127.0.0.1",
    // Its command line goes on naming this folder.
    "set-proc-title no",
    ...(certificate
      ? [
          "port 0",
          `tls-port ${port}`,
          `tls-cert-file ${text(certificate.cert)}`,
          `tls-key-file ${text(certificate.key)}`,
          `tls-ca-cert-file ${text(certificate.cert)}`,
          "tls-auth-clients no",
        ]
      : [`port ${port}`]),
    `dir ${text(join(folder, "data"))}`,
    "daemonize no",
    'logfile ""',
    'save ""',
    "appendonly yes",
    "appendfsync always",
    ...(user ? ["user default off", `user ${user.name} on >${user.password} ~* &* +@all`] : []),
    ...config,
  ].join("\n")}\n`;
}

async function version(): Promise<string> {
  const { output } = await ask(program, ["--version"], { timeoutMs: 10_000 });
  return /v=([\d.]+)/.exec(output)?.[1] ?? "";
}

async function health({ address, ca }: Contact): Promise<string> {
  const timeouts = { connectTimeout: 3_000, reconnectStrategy: false } as const;
  const client = createClient({
    url: address,
    socket: ca === undefined ? timeouts : { ...timeouts, tls: true, ca: readFileSync(ca) },
  });
  // The promise of connect() tells the same.
  client.on("error", () => {});
  await client.connect();
  try {
    const info = await client.info("server");
    // It accepts connections before it has loaded its file, and refuses commands until then.
    await client.exists("tidelane");
    return `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? ""}`;
  } finally {
    client.destroy();
  }
}
