import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "nats";
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

const variable = "TIDELANE_NATS_URL";
const folders = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

export const nats: Recipe = {
  kind: "nats",
  ways: [
    fromEnvironment(variable),
    {
      name: "installed",
      plan: async (site) => (await fromBinary(site, "installed")) ?? "no nats-server on the PATH",
    },
    {
      name: "Debian package",
      async plan(site) {
        const reason = await installPackage("nats-server", site.report);
        return reason ?? (await fromBinary(site, "Debian package")) ?? "the package has no nats-server";
      },
    },
    container("nats", (port) => `nats://127.0.0.1:${port}`),
  ],
  advice: `install nats-server (Debian: apt-get install nats-server), start a container engine, or set ${variable}`,
  startMs: 30_000,
  declarationMs: 0,
  health,
};

async function fromBinary({ folder, options }: Site, source: string): Promise<Plan | undefined> {
  const program = findProgram("nats-server", folders);
  if (program === undefined) return undefined;
  const version = (await ask(program, ["--version"], { timeoutMs: 10_000 })).output.replace(/^.*: v?/, "");
  const [port = 0] = await freePorts(1);
  const certificate = options.tls ? await makeCertificate(folder) : undefined;
  const file = join(folder, "nats.conf");
  writeFileSync(file, configuration(folder, port, options, certificate));
  const name = options.user ? `${options.user.name}:${options.user.password}@` : "";
  const address = `${certificate ? "tls" : "nats"}://${name}127.0.0.1:${port}`;
  return {
    how: `nats-server ${version}, ${source}`,
    contact: {
      address,
      ...(options.user && { user: options.user }),
      ...(certificate && { ca: certificate.cert }),
    },
    launch: { type: "process", main: { program, args: ["-c", file], env: {} } },
    durable: true,
  };
}

/**
 * n.b. a file stream is written to the system before the PubAck goes out, so what was confirmed outlives a
 * SIGKILL; only a power cut needs more (`sync_interval: always`, from 2.10).
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
    `listen: "127.0.0.1:${port}"`,
    `server_name: ${text(`tidelane-${port}`)}`,
    `jetstream { store_dir: ${text(join(folder, "data"))} }`,
    ...(user ? [`authorization { user: ${text(user.name)}, password: ${text(user.password)} }`] : []),
    ...(certificate
      ? [`tls { cert_file: ${text(certificate.cert)}, key_file: ${text(certificate.key)} }`]
      : []),
    ...config,
  ].join("\n")}\n`;
}

/** JetStream answers, not only the server. */
async function health({ address, user, ca }: Contact): Promise<string> {
  const url = new URL(address);
  const name = user?.name ?? decodeURIComponent(url.username);
  const password = user?.password ?? decodeURIComponent(url.password);
  const connection = await connect({
    servers: url.host,
    reconnect: false,
    timeout: 3000,
    ...(name !== "" && { user: name, pass: password }),
    ...(ca !== undefined && { tls: { ca: readFileSync(ca, "utf8") } }),
  });
  try {
    const jetstream = await connection.jetstreamManager({ timeout: 3000, checkAPI: false });
    await jetstream.getAccountInfo();
    return `nats-server ${connection.info?.version} with JetStream`;
  } finally {
    await connection.close();
  }
}
